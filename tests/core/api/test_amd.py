"""A request as AMD's own rules are asked about it."""

from __future__ import annotations

import pytest

from aim_jupyter.core.api.amd import Amd
from aim_jupyter.core.choice.amd_rules import NotFound
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.request import Request
from tests.core.conftest import box


def test_the_profile_that_is_taken_comes_first(shipped: Catalogue) -> None:
    amd = Amd(catalogue=shipped, machine=box("MI300X", 1))
    request = Request(model="meta-llama/Llama-3.1-8B-Instruct")
    model, choices = amd.choices(request)
    assert choices[0].verdict == "FITS"
    taken = amd.taken(request, model.name).recipe
    assert taken is not None
    assert taken.id == choices[0].recipe.id == "mi300x-fp8-tp1"
    assert all(one.verdict == "NO" for one in choices[1:])


def test_a_word_for_the_gpu_is_taken_whatever_is_there(shipped: Catalogue) -> None:
    amd = Amd(catalogue=shipped, machine=box("MI210", 4), gpu_model="mi300x")
    _, choices = amd.choices(Request(model="meta-llama/Llama-3.1-8B-Instruct"))
    assert choices[0].recipe.gpu_model == "MI300X"


def test_nothing_is_an_error_with_what_counted_against_each(shipped: Catalogue) -> None:
    amd = Amd(catalogue=shipped, machine=box("MI300X", 3))
    with pytest.raises(NotFound, match=r"No compatible profile for Qwen/Qwen3-32B: .*gpu_mismatch"):
        amd.choices(Request(model="Qwen/Qwen3-32B"))
