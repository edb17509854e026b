"""The numbers that recipes rest on, against what the fit counts with."""

import pytest

from aim_jupyter.core.checkpoint.architecture import architecture
from aim_jupyter.core.checkpoint.layers import Attention, Latent
from aim_jupyter.core.checkpoint.models import config_of, known
from aim_jupyter.core.checkpoint.outline import outline


@pytest.mark.parametrize("name", known())
def test_recipes_and_fit_read_the_same(name: str) -> None:
    numbers, whole = outline(config_of(name)), architecture(config_of(name))
    assert not whole.problem
    assert numbers.vocabulary == whole.vocabulary
    assert numbers.experts == (whole.experts.count if whole.experts else 0)
    for layer in whole.kinds:
        if isinstance(layer.mixer, Attention | Latent):
            assert numbers.heads == layer.mixer.heads
        if isinstance(layer.mixer, Latent):
            assert numbers.kv_rank == layer.mixer.kv_rank + layer.mixer.rope
