"""Keys of a config that look like a shape and that nobody has read."""

from __future__ import annotations

import functools
import re
from collections.abc import Set as AbstractSet

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.defaults import defaults
from aim_jupyter.core.checkpoint.fields import Fields

_SHAPE = re.compile(
    r"(size|dim|rank|heads|layers|latent|width|experts|groups|hidden|inner|depth)(_|$)"
)
# They change no weight and no cache: where windows end that are switched off, sums of other keys,
# steps of a kernel, the rotated part of a head, and what only images, sounds or drafters have.
_HARMLESS = re.compile(
    r"^(max_window_layers|qk_head_dim|(mamba_)?chunk_size|vocab_size_per_layer_input|rotary_dim"
    r"|pretraining_tp|layer_norm.*|initializer.*|num_nextn_predict_layers|num_hash_layers)$"
    r"|image|video|audio|patch|mtp|nextn|window|buffer|batch|pad"
)


def unread(text: Fields, asked: AbstractSet[str]) -> tuple[str, ...]:
    """Return the keys of a language model's config that may be a shape nobody has counted.

    Parameters
    ----------
    asked : set of str
        What was read of it.
    """
    return tuple(
        name
        for name, value in text.config.items()
        if type(value) is int
        and value > 1
        and name not in asked
        and name not in _read_elsewhere()
        and _SHAPE.search(name)
        and not _HARMLESS.search(name)
    )


@functools.cache
def _read_elsewhere() -> frozenset[str]:
    """Return the keys that are read where another one makes them count."""
    listed = {name for group in keys.SAME for name in group}
    return frozenset(listed | {name for values in defaults().values() for name in values})
