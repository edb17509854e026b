"""A request as the engine's own code has counted it."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.fit.memory.counted import counted, laid_out
from aim_jupyter.core.fit.memory.request import Request
from aim_jupyter.core.records.fit import Band, CountedGroup, Counts

FULL = CountedGroup(kind="full", layers=4, block=16, span=0, pages=64)
COUNTS = Counts(
    label="counted by vLLM 0.32", weights_bytes=100, block_bytes=1600, request_blocks=64,
    groups=(FULL,), max_model_len=1024, hidden=64, vocabulary=100,
)  # fmt: skip
UNKNOWN = Request(model="m", architecture=Architecture(problem="odd"), exact=COUNTS)


def test_counted_weights_take_the_place_of_ours() -> None:
    found = counted(UNKNOWN)
    assert (found.weights, found.basis, found.counted) == (Band(100, 100), "given", COUNTS.label)
    assert found.architecture.problem == ""
    assert found.architecture.hidden == 64


def test_a_model_that_is_known_stays_ours() -> None:
    known = replace(UNKNOWN, architecture=Architecture(family="llama", hidden=32))
    assert counted(known).architecture.hidden == 32


def test_nothing_is_taken_of_what_was_refused_or_not_counted() -> None:
    refused = replace(UNKNOWN, exact=replace(COUNTS, refused="no"))
    assert counted(refused) is refused
    plain = replace(UNKNOWN, exact=None)
    assert counted(plain) is plain


def test_only_a_layout_that_gives_the_engines_own_figure_is_believed() -> None:
    found = laid_out(COUNTS, 2048)
    assert found is not None
    assert found.blocks(1024) == 64
    assert laid_out(replace(COUNTS, request_blocks=63), 2048) is None
    odd = replace(COUNTS, groups=(replace(FULL, kind="other"),))
    assert laid_out(odd, 2048) is None
    assert laid_out(replace(COUNTS, groups=()), 2048) is None
