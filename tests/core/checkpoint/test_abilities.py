"""What a model does, by its config, the files beside it, and the options that it is served with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint import abilities
from aim_jupyter.core.checkpoint.context import longest
from aim_jupyter.core.checkpoint.folder import read
from aim_jupyter.core.checkpoint.outline import outline
from aim_jupyter.core.records.ability import ABILITIES

TEXT = "chat completion json"
ONE = {"id2label": {"0": "LABEL_0"}}
QWEN = "Qwen3ForCausalLM"
RERANKER = {
    "architectures": ["Qwen3ForSequenceClassification"],
    "classifier_from_token": ["no", "yes"],
    "is_original_qwen3_reranker": True,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = ("architectures", "id2label", "num_labels", abilities.BESIDE, "hf-overrides", "runner")


def does(name: str, args: dict[str, Any] | None = None, **config: Any) -> str:
    return " ".join(abilities.abilities({"architectures": [name], **config}, args))


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        (QWEN, {}, TEXT),
        ("BertModel", {}, "embed"),
        ("Qwen3Model", {}, "embed"),
        ("BertForSequenceClassification", ONE, "rerank classify"),
        ("BertForSequenceClassification", {}, "classify"),
        ("XLMRobertaForSequenceClassification", {"num_labels": 1}, "rerank classify"),
        ("Qwen3ForSequenceClassification", {"num_labels": 3}, "classify"),
        ("ColBERTModernBertModel", {}, "rerank"),
        ("WhisperForConditionalGeneration", {}, "speech"),
        ("VoxtralForConditionalGeneration", {}, f"{TEXT} audio speech"),
        ("Qwen3VLForConditionalGeneration", {}, f"{TEXT} vision"),
        ("Gemma3nForConditionalGeneration", {}, f"{TEXT} vision audio speech"),
        (QWEN, {abilities.BESIDE: {"pools": True}}, "embed"),
        ("LlamaForCausalLM", {abilities.BESIDE: {"template": False}}, "completion json"),
    ],
)
def test_a_config_says_what_its_model_does(name: str, config: dict[str, Any], said: str) -> None:
    assert does(name, **config) == said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"tool-call-parser": "hermes", "reasoning-parser": "qwen3"},
            "chat completion tools json thinking",
        ),
        ({"runner": "pooling"}, "embed"),
        ({"convert": "classify"}, "classify"),
        ({"hf-overrides": RERANKER}, "rerank classify"),
        ({"hf-overrides": json.dumps(RERANKER)}, "rerank classify"),
        ({"hf-overrides": "{"}, TEXT),
        # A parser finds no calls in what an embedding model does not write.
        ({"runner": "pooling", "tool-call-parser": "hermes"}, "embed"),
    ],
)
def test_options_make_another_model_of_it(args: dict[str, Any], said: str) -> None:
    assert does(QWEN, args) == said


def test_what_a_recipe_file_knows_is_added_and_a_server_without_eyes_sees_nothing() -> None:
    assert abilities.abilities({"model_type": "gemma3_text"}, {}, ["vision"]) == (
        *("chat", "completion", "json", "vision"),
    )
    blind = {"language-model-only": None}
    assert does("Qwen3VLForConditionalGeneration", blind) == TEXT


def test_a_folder_tells_of_its_template_and_of_its_pooling(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"architectures": [QWEN], "max_position_embeddings": 512})
    )
    assert abilities.abilities(read(tmp_path)) == ("completion", "json")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert abilities.abilities(read(tmp_path)) == ("chat", "completion", "json")
    (tmp_path / "modules.json").write_text(
        '[{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]'
    )
    assert abilities.abilities(read(tmp_path)) == ("embed",)
    # vLLM refuses a longer context than this: the derived recipe must not ask for it.
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    assert longest(read(tmp_path)) == outline(read(tmp_path)).context == 256


@pytest.mark.parametrize("text", ["", "[", "3", '{"max_seq_length": true}', "[" * 100_000])
def test_files_that_hold_anything_say_nothing(tmp_path: Path, text: str) -> None:
    for name in ("modules.json", "sentence_bert_config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(text)
    assert abilities.beside(tmp_path) == {"template": False, "pools": False}


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_no_config_is_too_strange(config: dict[str, Any], args: dict[str, Any]) -> None:
    assert set(abilities.abilities(config, args)) <= set(ABILITIES)
