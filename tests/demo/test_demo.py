"""The shipped model's files agree with each other and with what the card says.

What the model answers is tested on the real engine, in the end-to-end test.
"""

import json
import math
import re
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from aim_jupyter import demo

MOST_BYTES = 4 * 1024**2
SERVED = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
HEADER_LENGTH = struct.Struct("<Q")


def load(name: str) -> Any:
    return json.loads((demo.FOLDER / name).read_text(encoding="utf-8"))


def plain(wording: str) -> str:
    """The wording without case and punctuation, in which training varies it anyway."""
    return re.sub(r"\W+", " ", wording).strip().casefold()


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((demo.FOLDER / "answers.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def tensors() -> dict[str, dict[str, Any]]:
    """The header of the weights: name to dtype, shape and offsets."""
    content = (demo.FOLDER / "model.safetensors").read_bytes()
    (length,) = HEADER_LENGTH.unpack_from(content)
    start = HEADER_LENGTH.size
    header: dict[str, dict[str, Any]] = json.loads(content[start : start + length])
    header.pop("__metadata__", None)
    return header


def test_everything_that_an_engine_loads_is_there() -> None:
    assert [name for name in SERVED if not (demo.FOLDER / name).is_file()] == []
    assert (demo.FOLDER / "README.md").is_file()


def test_the_folder_stays_small() -> None:
    files = (path for path in demo.FOLDER.iterdir() if path.is_file())
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_the_weights_cover_their_file_without_gap_or_overlap(
    tensors: dict[str, dict[str, Any]],
) -> None:
    path = demo.FOLDER / "model.safetensors"
    (length,) = HEADER_LENGTH.unpack(path.read_bytes()[: HEADER_LENGTH.size])
    spans = sorted(tensor["data_offsets"] for tensor in tensors.values())
    assert [begin for begin, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert HEADER_LENGTH.size + length + spans[-1][1] == path.stat().st_size
    for tensor in tensors.values():
        begin, end = tensor["data_offsets"]
        assert tensor["dtype"] == "BF16"
        assert end - begin == 2 * math.prod(tensor["shape"])


def test_the_configuration_describes_the_weights(tensors: dict[str, dict[str, Any]]) -> None:
    config = load("config.json")
    hidden, head = config["hidden_size"], config["head_dim"]
    shapes = {name: tensor["shape"] for name, tensor in tensors.items()}
    layers = {match[1] for name in shapes if (match := re.match(r"model\.layers\.(\d+)\.", name))}
    layer = "model.layers.0."
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert len(layers) == config["num_hidden_layers"]
    assert shapes["model.embed_tokens.weight"] == [config["vocab_size"], hidden]
    assert config["tie_word_embeddings"]
    assert "lm_head.weight" not in shapes
    assert shapes[layer + "self_attn.q_proj.weight"] == [
        config["num_attention_heads"] * head,
        hidden,
    ]
    assert shapes[layer + "self_attn.k_proj.weight"] == [
        config["num_key_value_heads"] * head,
        hidden,
    ]
    assert shapes[layer + "mlp.up_proj.weight"] == [config["intermediate_size"], hidden]


def test_the_tokenizer_fits_the_configuration() -> None:
    tokenizer, config = load("tokenizer.json"), load("config.json")
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    named = load("tokenizer_config.json")
    assert len(tokenizer["model"]["vocab"]) == config["vocab_size"]
    assert special[named["eos_token"]] == config["eos_token_id"]
    assert special[named["pad_token"]] == config["pad_token_id"]
    assert load("generation_config.json")["eos_token_id"] == config["eos_token_id"]


def test_decoding_is_greedy_by_default() -> None:
    assert load("generation_config.json")["top_k"] == 1


def test_a_chat_has_room() -> None:
    assert load("config.json")["max_position_embeddings"] >= 1024


def test_card_and_answers_state_how_many_answers_there_are(entries: list[dict[str, Any]]) -> None:
    card = (demo.FOLDER / "README.md").read_text(encoding="utf-8")
    texts = [card, *(entry["answer"] for entry in entries)]
    stated = [
        int(number)
        for text in texts
        for number in re.findall(r"(\d+)\s+(?:memorised\s+)?(?:answers|questions)", text)
    ]
    assert len(stated) >= 4
    assert set(stated) == {len(entries)}
    assert f"{sum(1 + len(entry['also']) for entry in entries)} wordings" in card


def test_card_states_how_many_parameters_there_are(tensors: dict[str, dict[str, Any]]) -> None:
    card = (demo.FOLDER / "README.md").read_text(encoding="utf-8")
    parameters = sum(math.prod(tensor["shape"]) for tensor in tensors.values())
    assert f"{parameters:,} parameters" in card


def test_no_wording_has_two_answers(entries: list[dict[str, Any]]) -> None:
    wordings = Counter(
        plain(wording) for entry in entries for wording in (entry["question"], *entry["also"])
    )
    assert [wording for wording, times in wordings.items() if times > 1] == []


def test_answers_are_plain_sentences(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        answer = entry["answer"]
        assert 10 <= len(answer.split()) <= 40, answer
        assert answer.isascii(), answer
        assert "!" not in answer, answer
        assert answer.endswith((".", "?")), answer


def test_questions_are_the_main_wordings(entries: list[dict[str, Any]]) -> None:
    assert demo.questions() == [entry["question"] for entry in entries]
    assert "How do I free a GPU?" in demo.questions()
    assert "`%aim stop`" in demo.answers()["How do I free a GPU?"]


def test_unseen_wordings_are_unseen(entries: list[dict[str, Any]]) -> None:
    unseen = yaml.safe_load(Path(__file__).with_name("unseen.yaml").read_text(encoding="utf-8"))
    trained = {
        plain(wording) for entry in entries for wording in (entry["question"], *entry["also"])
    }
    assert set(unseen) == set(demo.questions())
    for wordings in unseen.values():
        assert [text for text in wordings if plain(text) in trained] == []
