"""Which rules an engine version follows, and its defaults, from ``versions.toml``.

A version that is only half known ("<=0.16", "0.10.x", a development build) is a span: whatever
differs inside it makes a band wider instead of a guess.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.records.fit import Device, Family
from aim_jupyter.core.sizes import GIB

Release = tuple[int, int, int]
NEWEST: Release = (9999, 0, 0)
_ANY_PATCH = 999
SHORT = 32768  # tokens of a prompt that the V0 engine reads at once

_NUMBER = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,3})(?:\.(\d{1,3}))?")
# Local labels that name only how a release was built; any other is a vendor's own build.
_PLAIN_LABEL = re.compile(r"^(cpu|cu\d+|rocm[\d.]*|g[0-9a-f]{6,}|precompiled|empty)?$")


class Span(Struct, frozen=True):
    """From the oldest to the newest release that it may be."""

    low: Release
    high: Release

    def overlaps(self, since: Release, until: Release) -> bool:
        """Whether a release from `since` to before `until` may be it."""
        return self.low < until and self.high >= since


class Rules(Struct, frozen=True):
    """How a release sizes its KV cache.

    Attributes
    ----------
    hybrid : bool
        Whether layers with a window need less than those without.
    batches : int
        Steps that hold on to the blocks behind a window: 2 where scheduling runs ahead.
    state_blocks : int
        Pages of a recurrent layer for each request.
    null_block : bool
        Whether one block is set aside before a context is accepted.
    derived_tokens : bool
        Whether the printed size is concurrency times context, instead of blocks.
    chunked : bool
        Whether chunked local attention keeps less than everything.
    checkpoints : bool
        Whether some recurrent layers keep one page more, for the end of a prompt.
    """

    hybrid: bool
    batches: int
    state_blocks: int
    null_block: bool
    derived_tokens: bool
    checkpoints: bool = False
    chunked: bool = False


class _Changes(Struct, frozen=True, forbid_unknown_fields=True):
    hybrid: str
    in_flight_twice: str
    state_kept_twice: str
    checkpoints: str
    null_block: str
    derived_tokens: str
    chunked: str
    sinks_block: str
    util_092: str
    one_engine: str
    large_tier: str
    middle_gib: int
    large_gib: int
    vendor_builds_until: str
    assumed: str


@functools.cache
def changes() -> _Changes:
    """Return the release of each change."""
    return files.table(Path(__file__).with_name("versions.toml"), _Changes)


@functools.lru_cache(maxsize=256)
def release(text: str) -> Release:
    """Return the numbers of ``"0.18"`` or ``"0.20.2"``."""
    major, minor, patch = (*text.split("."), "0")[:3]
    return int(major), int(minor), int(patch)


@functools.lru_cache(maxsize=256)
def span(text: str | None) -> Span:
    """Return which releases `text` may mean.

    Examples
    --------
    >>> span("0.18.0+rocm700")
    Span(low=(0, 18, 0), high=(0, 18, 0))
    >>> span("<=0.16")
    Span(low=(0, 8, 0), high=(0, 16, 999))
    """
    if not text:
        return Span(NEWEST, NEWEST)
    found = [tuple(map(int, filter(None, each))) for each in _NUMBER.findall(text)]
    if not found:  # a date, or a name
        return Span(release(changes().assumed), NEWEST)
    low, high = min(map(_first, found)), max(map(_last, found))
    if re.search(r"<=?|≤", text):
        low = min(low, release(changes().one_engine))
    if ".dev" in text or not _PLAIN_LABEL.match(text.partition("+")[2]):
        high = max(high, release(changes().vendor_builds_until))
    return Span(low, high)


def _first(numbers: tuple[int, ...]) -> Release:
    major, minor, patch = (*numbers, 0)[:3]
    return major, minor, patch


def _last(numbers: tuple[int, ...]) -> Release:
    major, minor, patch = (*numbers, _ANY_PATCH)[:3]
    return major, minor, patch


@functools.lru_cache(maxsize=64)
def rules(at: Release, family: Family = "cuda", *, prefixes: bool | None = None) -> Rules:
    """Return how the release `at` sizes its KV cache; on a CPU it never schedules ahead.

    Parameters
    ----------
    prefixes : bool or None
        Whether prefix caching is on; None leaves it to the release.
    """
    its = changes()
    ahead = at >= release(its.in_flight_twice) and family != "cpu"
    twice = at >= release(its.state_kept_twice) and prefixes is not False
    return Rules(
        hybrid=at >= release(its.hybrid),
        batches=2 if ahead else 1,
        state_blocks=2 if twice else 1,
        null_block=at >= release(its.null_block),
        derived_tokens=at >= release(its.derived_tokens),
        chunked=at >= release(its.chunked),
        checkpoints=twice and at >= release(its.checkpoints),
    )


def default_util(version: Span) -> float:
    """Return the share of the memory that the engine takes where nothing is said."""
    return 0.92 if version.low >= release(changes().util_092) else 0.90


def default_batch(
    version: Span, device: Device, context: int, seqs: int | None = None
) -> tuple[int, int]:
    """Return the requests and tokens of one step that the engine chooses for a GPU.

    Source: vLLM ``EngineArgs.get_batch_defaults``, for the API server.
    """
    its = changes()
    if version.high < release(its.one_engine):  # the whole prompt at once, while it is short
        return seqs or 256, context if context <= SHORT else 2048
    chosen, tokens = 1024, 8192
    if device.family == "cpu":
        chosen, tokens = 128, 2048
    elif device.total_bytes < its.middle_gib * GIB or "a100" in device.model.casefold():
        chosen, tokens = 256, 2048
    elif device.total_bytes >= its.large_gib * GIB and version.low >= release(its.large_tier):
        chosen, tokens = 1024, 16384
    chosen = seqs or chosen
    return chosen, min(tokens, chosen * context)
