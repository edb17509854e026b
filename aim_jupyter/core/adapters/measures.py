"""Which series of an engine's ``/metrics`` feeds which of our columns."""

from __future__ import annotations

from msgspec import Struct

#: Our names, by how the series of several processes become one figure: added up (a count of what
#: is so now, or of what there was so far), averaged, or added up bucket by bucket.
GAUGES = ("running", "waiting")
SHARES = ("kv_used",)
COUNTERS = (
    *("prompt_tokens", "generation_tokens", "prefix_queries", "prefix_hits", "preempted"),
    *("finished", "aborted", "requests"),
)
HISTOGRAMS = ("ttft", "itl", "e2e")
#: Why a request ended.
REASONS = ("stopped", "length", "aborted", "error")

Names = dict[str, tuple[str, ...]]


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The label of ``finished`` that says why, and what its words are among `REASONS`."""

    label: str
    words: dict[str, str]

    def __post_init__(self) -> None:
        _check("reason", tuple(self.words.values()), REASONS)


class Cache(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """Where an engine says how its KV cache is divided.

    Attributes
    ----------
    name : str
        Of a series whose labels say so.
    block, blocks : str
        The labels for the tokens of a block, and for how many of them there are.
    """

    name: str
    block: str
    blocks: str


class Metrics(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """The engine's names for our figures: the first of each that a scrape holds counts.

    Attributes
    ----------
    gauge, share, counter, histogram : dict
        By our name: see `GAUGES`, `SHARES`, `COUNTERS`, `HISTOGRAMS` (seconds).
    reason : Reason or None
    cache : Cache or None
    only : dict
        Labels whose other values repeat what is counted already.
    """

    gauge: Names = {}
    share: Names = {}
    counter: Names = {}
    histogram: Names = {}
    reason: Reason | None = None
    cache: Cache | None = None
    only: dict[str, str] = {}

    def __post_init__(self) -> None:
        _check("gauge", tuple(self.gauge), GAUGES)
        _check("share", tuple(self.share), SHARES)
        _check("counter", tuple(self.counter), COUNTERS)
        _check("histogram", tuple(self.histogram), HISTOGRAMS)


def _check(kind: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{name} is no {kind} that is known: {', '.join(known)}")
