"""What the engine takes beside weights and KV cache: a band, by release and kind of GPU.

The model of facts/fit.md 3.3, with the figures of ``overhead.toml``. The peak of a profiling run
is the larger of two moments, the forward pass at its widest and the sampler with all logits, on
top of the buffers that experts and images keep throughout.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from aim_jupyter.core import files
from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.layers import Dense
from aim_jupyter.core.fit.memory.versions import NEWEST, Span, release
from aim_jupyter.core.records.fit import Band, Family, Settings, Term
from aim_jupyter.core.sizes import GIB

LOW, HIGH = 0, 1  # the ends of a band
_NONE = (0.0, 0.0)
Pair = tuple[float, float]


class _Class(Struct, frozen=True, forbid_unknown_fields=True):
    family: Family
    sampler: Pair
    runtime: dict[str, Pair]
    graphs: Pair
    mixture: dict[str, Pair] = {}
    since: str = "0.0"
    until: str = ""
    measured_seqs: int = 0
    beside: Pair = _NONE
    budgeted: bool = False
    adds_forward: bool = False

    def may_be(self, family: Family, version: Span) -> bool:
        until = release(self.until) if self.until else (NEWEST[0] + 1, 0, 0)
        return self.family == family and version.overlaps(release(self.since), until)

    def runtime_for(self, gpus: int) -> Pair:
        """Return the figure for the largest number of GPUs up to `gpus`."""
        return _up_to(gpus, self.runtime)

    def pool(self, gpus: int, *, mixture: bool) -> tuple[Pair, Pair]:
        """Return the pool of graphs, and what is taken beside it where it is in the budget."""
        if not (mixture and self.mixture):
            return self.graphs, self.beside
        low, high = _up_to(gpus, self.mixture)
        return (low, high), (0.0, high - low)


def _up_to(gpus: int, figures: dict[str, Pair]) -> Pair:
    return figures[str(max(int(n) for n in figures if int(n) <= gpus))]


class _Table(Struct, frozen=True):
    forward: Pair
    cut_vocabulary: Pair
    images: Pair
    experts: dict[str, Pair]
    classes: tuple[_Class, ...] = field(name="class")


@functools.cache
def _table() -> _Table:
    return files.table(Path(__file__).with_name("overhead.toml"), _Table)


class Overhead(Struct, frozen=True):
    """The parts of the overhead, in bytes.

    Attributes
    ----------
    activation, runtime, graphs : Band
        What is taken off before the KV cache is sized.
    outside : Band
        What capture and warm-up take afterwards, from what is kept free.
    missed : Band
        What an engine that counts its graphs may have missed of them: it is kept free too, but
        nobody has measured it, so it decides nothing.
    """

    activation: Band
    runtime: Band
    graphs: Band
    outside: Band
    missed: Band

    @property
    def total(self) -> Band:
        """All that is taken off."""
        parts = (self.activation, self.runtime, self.graphs)
        return Band(sum(part.low for part in parts), sum(part.high for part in parts))

    def terms(self) -> Iterator[Term]:
        """Yield the lines of the sum; a part that is nothing has none."""
        for name in ("activation", "runtime", "graphs"):
            part: Band = getattr(self, name)
            if part.high:
                low, high = int(part.low), int(part.high)
                yield Term(name=name, low_bytes=low, high_bytes=high, basis="modelled")


def overhead(
    architecture: Architecture,
    settings: Settings,
    family: Family,
    version: Span,
    usual_seqs: int,
) -> Overhead:
    """Return the overhead of a start whose settings are all known.

    Parameters
    ----------
    settings : Settings
        With `max_num_seqs` and `max_num_batched_tokens`.
    usual_seqs : int
        What `max_num_seqs` would be if nobody had said.
    """
    run = _Run(architecture, settings, usual_seqs)
    bands = [_of(each, run) for each in _classes(family, version)]
    if len(bands) == 1:
        return bands[0]
    return Overhead(
        *(_union(getattr(band, name) for band in bands) for name in Overhead.__struct_fields__)
    )


@functools.lru_cache(maxsize=64)
def _classes(family: Family, version: Span) -> tuple[_Class, ...]:
    return tuple(each for each in _table().classes if each.may_be(family, version))


def _union(bands: Iterator[Band]) -> Band:
    kept = list(bands)
    return Band(min(band.low for band in kept), max(band.high for band in kept))


def _of(its: _Class, run: _Run) -> Overhead:
    scale = 0.0 if run.settings.enforce_eager else run.architecture.capture
    graphs, beside = its.pool(run.settings.tp, mixture=run.architecture.experts is not None)
    pool = _gib(graphs, scale)
    outside = Band(0, 0) if its.budgeted else pool
    return Overhead(
        activation=Band(run.activation(its, LOW), run.activation(its, HIGH)),
        runtime=_gib(its.runtime_for(run.settings.tp)),
        graphs=pool if its.budgeted else Band(0, 0),
        outside=Band(outside.low, outside.high + run.logits) if scale else Band(0, 0),
        missed=_gib(beside, scale),
    )


def _gib(pair: Pair, scale: float = 1.0) -> Band:
    return Band(pair[0] * GIB * scale, pair[1] * GIB * scale)


class _Run(Struct, frozen=True, dict=True):
    """The profiling run: a step of as many tokens and requests as the engine would ever take."""

    architecture: Architecture
    settings: Settings
    usual_seqs: int

    @property
    def tokens(self) -> int:
        return self.settings.max_num_batched_tokens or 0

    @property
    def seqs(self) -> int:
        return min(self.settings.max_num_seqs or 0, self.tokens)

    @functools.cached_property
    def size(self) -> int:
        """Bytes of an element of the hidden states."""
        return self.architecture.element_bytes(self.settings.dtype)

    @property
    def logits(self) -> int:
        """Bytes of all logits in single precision."""
        return self.seqs * self.architecture.vocabulary * 4

    def activation(self, its: _Class, end: int) -> float:
        """Return the peak in bytes, at one end of the band."""
        table = _table()
        widest = table.forward[end] * self.forward
        hidden = self.tokens * self.architecture.hidden * self.size
        if its.adds_forward:
            peak = widest + self.sampling(its, end)
        elif self.settings.pp > 1 and end == LOW:  # only the last stage samples
            peak = widest
        else:
            peak = max(widest, self.sampling(its, end) + hidden)
        images = table.images[end] * GIB if self.architecture.multimodal else 0
        return peak + images + self.experts(end)

    def sampling(self, its: _Class, end: int) -> float:
        """Return the bytes of the logits and their copies."""
        seqs = self.seqs
        if end == HIGH and its.measured_seqs:
            seqs = max(seqs, self.usual_seqs)
        copies = its.sampler[end] + (self.size - 2) / 4  # the logits, in the model's dtype
        if self.architecture.vocabulary % 64:
            copies += _table().cut_vocabulary[end]
        return copies * seqs * self.architecture.vocabulary * 4

    @functools.cached_property
    def forward(self) -> float:
        """Bytes of one layer's intermediate results; 8-bit inputs are a copy more."""
        kinds = self.architecture.kinds
        dense = [layer.mlp.size for layer in kinds if isinstance(layer.mlp, Dense)]
        copies = 3 * self.size + self.architecture.quantization.activations8
        inner = max(dense, default=0) / self.settings.tp * copies
        return self.tokens * (inner + 3 * self.architecture.hidden * self.size)

    def experts(self, end: int) -> float:
        """Return the bytes of the buffers between routed experts."""
        experts = self.architecture.experts
        if experts is None:
            return 0
        wide = self.architecture.hidden + 3 * experts.size / self.settings.tp
        kind = self.architecture.quantization.width
        return _table().experts[kind][end] * self.tokens * experts.per_token * wide * 2
