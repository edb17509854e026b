"""Which format each matrix of a checkpoint is stored in."""

from __future__ import annotations

import pytest

from aim_jupyter.core.checkpoint.fields import Unreadable
from aim_jupyter.core.checkpoint.formats import FP8, MXFP4, Format
from aim_jupyter.core.checkpoint.modules import Names
from aim_jupyter.core.checkpoint.quantization import Quantization, Rule, beside, online

UP = "model.layers.0.mlp.up_proj"


def test_the_first_rule_that_means_a_matrix_counts_and_the_head_is_left_out() -> None:
    how = Quantization(rules=(Rule(Names("part", ("mlp",)), None), Rule(Names("all"), FP8)))
    assert how.format_of(UP) is None
    assert how.format_of("model.layers.0.self_attn.q_proj") == FP8
    assert how.format_of("lm_head") is None
    assert Quantization(rules=how.rules, head=True).format_of("lm_head") == FP8
    assert Quantization().format_of(UP) is None


@pytest.mark.parametrize(
    ("shapes", "precision", "width"),
    [((), "", "none"), ((FP8,), "fp8", "bits8"), ((FP8, MXFP4), "mxfp4", "bits4")],
)
def test_the_fewest_bits_name_the_whole(
    shapes: tuple[Format, ...], precision: str, width: str
) -> None:
    how = Quantization(rules=tuple(Rule(Names("all"), each) for each in shapes))
    assert (how.precision, how.width) == (precision, width)
    assert how.activations8 == (width == "bits8")


def test_what_the_engine_quantizes_itself() -> None:
    assert online("fp8").precision == "fp8"
    assert online("fp8").format_of(UP) is not None
    with pytest.raises(Unreadable, match="'int3' is not known here"):
        online("int3")


def test_only_modelopts_file_beside_a_config_counts_and_never_over_its_own() -> None:
    said = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}
    assert beside({}, said)["quantization_config"]["quant_method"] == "modelopt"
    assert beside({}, {"producer": {"name": "other"}}) == {}
    own = {"quantization_config": {"quant_method": "fp8"}}
    assert beside(own, said) == own
