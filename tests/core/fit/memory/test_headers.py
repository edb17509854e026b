"""Weights counted from the headers of safetensors, without a tensor being read."""

from __future__ import annotations

from typing import Any

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.fit.memory.weights import shares
from tests.core.fit.conftest import WriteTensors, small

Tensors = dict[str, tuple[str, list[int]]]


def llama(layers: int = 4, dtype: str = "BF16") -> Tensors:
    found: Tensors = {
        "model.embed_tokens.weight": (dtype, [1000, 512]),
        "lm_head.weight": (dtype, [1000, 512]),
        "model.norm.weight": (dtype, [512]),
    }
    shapes = {
        "self_attn.q_proj": [512, 512],
        "self_attn.k_proj": [128, 512],
        "self_attn.v_proj": [128, 512],
        "self_attn.o_proj": [512, 512],
        "mlp.gate_proj": [1024, 512],
        "mlp.up_proj": [1024, 512],
        "mlp.down_proj": [512, 1024],
        "input_layernorm": [512],
        "post_attention_layernorm": [512],
    }
    for layer in range(layers):
        for name, shape in shapes.items():
            found[f"model.layers.{layer}.{name}.weight"] = (dtype, shape)
    return found


@pytest.mark.parametrize("tp", [1, 2, 4])
def test_headers_and_formula_agree(checkpoint: WriteTensors, tp: int) -> None:
    model = fit.architecture(small(max_position_embeddings=16))
    exact = fit.weights_from_headers(fit.tensors(checkpoint(llama())), model, tp)
    counted = shares(model, tp)[0].total - shares(model, tp)[0].added
    assert exact.bytes_per_gpu == pytest.approx(counted, rel=0.005)
    assert exact.layers == 4


@pytest.mark.parametrize("pp", [2, 4])
def test_stages_hold_their_own_layers(checkpoint: WriteTensors, pp: int) -> None:
    model = fit.architecture(small(max_position_embeddings=16))
    exact = fit.weights_from_headers(fit.tensors(checkpoint(llama())), model, 1, pp)
    assert exact.bytes_per_gpu == pytest.approx(
        max(share.total for share in shares(model, 1, pp)), rel=0.005
    )


def test_single_precision_is_counted_as_it_is_loaded(checkpoint: WriteTensors) -> None:
    model = fit.architecture(small(torch_dtype="float32"))
    folder = checkpoint(llama(dtype="F32"))
    half = fit.weights_from_headers(fit.tensors(folder), model)
    whole = fit.weights_from_headers(fit.tensors(folder), model, dtype="float32")
    assert whole.bytes_per_gpu == 2 * half.bytes_per_gpu


def test_quantized_tensors_stay_as_they_are(checkpoint: WriteTensors) -> None:
    name = "model.layers.0.mlp.up_proj"
    tensors = llama()
    tensors[f"{name}.weight"] = ("F8_E4M3", [1024, 512])
    tensors[f"{name}.weight_scale_inv"] = ("F32", [8, 4])
    model = fit.architecture(small())
    plain = fit.weights_from_headers(fit.tensors(checkpoint(llama())), model).bytes_per_gpu
    found = fit.weights_from_headers(fit.tensors(checkpoint(tensors)), model).bytes_per_gpu
    assert plain - found == 1024 * 512 - 8 * 4 * 4


def test_a_tied_head_and_draft_layers_are_not_loaded(checkpoint: WriteTensors) -> None:
    tensors = {
        **llama(),
        "mtp.fc.weight": ("BF16", [512, 1024]),
        "model.layers.4.eh_proj.weight": ("BF16", [512, 1024]),
        "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", [32]),
    }
    whole = fit.weights_from_headers(fit.tensors(checkpoint(llama())), fit.architecture(small()))
    tied = fit.architecture(small(tie_word_embeddings=True))
    found = fit.weights_from_headers(fit.tensors(checkpoint(tensors)), tied)
    assert whole.parameters - found.parameters == 1000 * 512


def test_fused_projections_are_split_as_their_parts_are(checkpoint: WriteTensors) -> None:
    tensors = llama()
    for layer in range(4):
        for part in "qkv":
            del tensors[f"model.layers.{layer}.self_attn.{part}_proj.weight"]
        tensors[f"model.layers.{layer}.self_attn.qkv_proj.weight"] = ("BF16", [768, 512])
    model = fit.architecture(small())
    apart = fit.weights_from_headers(fit.tensors(checkpoint(llama())), model, 4).bytes_per_gpu
    fused = fit.weights_from_headers(fit.tensors(checkpoint(tensors)), model, 4).bytes_per_gpu
    assert fused == pytest.approx(apart, rel=1e-4)


def test_a_config_that_lies_about_its_layers_is_found_out(checkpoint: WriteTensors) -> None:
    folder = checkpoint(llama(layers=3))
    with pytest.raises(ModelMissing, match=r"holds 3 layers, its config\.json says 4"):
        fit.weights_from_headers(fit.tensors(folder), fit.architecture(small()))


def test_a_file_that_is_cut_short_is_no_crash(checkpoint: WriteTensors) -> None:
    folder = checkpoint(llama())
    whole = (folder / "model.safetensors").read_bytes()
    for length in (0, 5, 8, 100, len(whole) - 1):
        (folder / "model.safetensors").write_bytes(whole[:length])
        with pytest.raises(ModelMissing, match="can't be read"):
            fit.weights_from_headers(fit.tensors(folder), fit.architecture(small()))


@pytest.mark.parametrize("tensor", [("Q8", [2, 2]), ("BF16", [-1]), ("BF16", ["a"]), ("BF16", 3)])
def test_a_header_that_lies_is_no_crash(checkpoint: WriteTensors, tensor: Any) -> None:
    folder = checkpoint({**llama(), "model.layers.0.odd": tensor})
    with pytest.raises(ModelMissing, match=r"tensor model\.layers\.0\.odd"):
        fit.weights_from_headers(fit.tensors(folder), fit.architecture(small()))


def test_a_folder_without_weights_says_so(checkpoint: WriteTensors) -> None:
    folder = checkpoint({})
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match="holds no safetensors"):
        fit.weights_from_headers(fit.tensors(folder), fit.architecture(small()))
