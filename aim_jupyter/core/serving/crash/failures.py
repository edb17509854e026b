"""What a line of an engine's log means, and what mends it: rules of its adapter, and for all.

A rule is data (``rules/model.toml`` says of what kind). Its sentences hold words in braces: the
named groups of its patterns, ``model``, and what `evidence` can say of this machine. Where a rule
offers several sentences or changes, the first counts whose words are all known.
"""

from __future__ import annotations

import functools
import itertools
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core import adapters, files
from aim_jupyter.core.adapters import Change, FailureRule
from aim_jupyter.core.adapters.settings import SETTINGS
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import words as written
from aim_jupyter.core.serving.crash import offers

#: The files of ``rules/``, in the order in which they are tried: what is said plainly comes before
#: what may follow from it.
FILES = (
    *("model", "options", "build", "kernels", "memory", "gpu", "parallel", "hub"),
    *("machine", "ends"),
)


class Try(NamedTuple):
    """A line to run, what of it is new, and why it should do."""

    line: str
    change: str = ""
    because: str = ""


class _Over(dict[str, str]):
    """Words that stand before others; those are asked for what is not here."""

    def __init__(self, others: Mapping[str, str], first: Mapping[str, str]) -> None:
        super().__init__(first)
        self._others = others

    def __missing__(self, word: str) -> str:
        return self._others[word]


@functools.cache
def rules(engine: str) -> tuple[FailureRule, ...]:
    """Return the rules for the log of `engine`, in the order in which they are tried."""
    return (*adapters.of(engine).failures, *_for_all())


@functools.cache
def places() -> tuple[FailureRule, ...]:
    """Return what is said of a failure that no rule knows, by where it was raised."""
    return _table("places")


def first_known(templates: Sequence[str], words: Mapping[str, str]) -> str | None:
    """Return the first sentence whose words are all known, filled in; None where there is none."""
    return next((text for each in templates if (text := filled(each, words)) is not None), None)


def filled(template: str, words: Mapping[str, str]) -> str | None:
    """Return a sentence with its words, None where one is not known."""
    try:
        return template.format_map(words)
    except KeyError:
        return None


def attempt(
    changes: Sequence[Change], words: Mapping[str, str], plan: Plan, options: Collection[str]
) -> Try | None:
    """Return the first change that can be made here, as a line that runs as it stands.

    Parameters
    ----------
    options : collection of str
        What the engine's parser knows (``--max-model-len``), as far as it was asked: a change that
        it would refuse is passed over.
    """
    for change in changes:
        because = filled(change.because, words)
        made = _command(change, words) if change.run else _changed(change, words, plan, options)
        if because is not None and made is not None:
            return made._replace(because=because)
    return None


def _command(change: Change, words: Mapping[str, str]) -> Try | None:
    # A chain, not a copy: words that nobody asked for yet are looked up.
    line = filled(change.run, _Over(words, {"model": shlex.quote(words["model"])}))
    return None if line is None else Try(line)


def _changed(
    change: Change, words: Mapping[str, str], plan: Plan, options: Collection[str]
) -> Try | None:
    asked = plan.asked or (plan.model,)
    new: dict[str, str] = {}
    for word, template in change.set.items():
        name, value = _option(word, plan.engine), filled(template, words)
        if value is None or not _accepted(name, options):
            return None
        new[name] = value
    dropped = {_option(word, plan.engine) for word in change.drop}
    kept = written.without(asked, ({*new} - {"env"}) | dropped)
    added = [word for name, value in new.items() for word in (f"--{name}", value) if word]
    wanted = bool(change.set or change.drop)
    if wanted and kept == asked and all(_holds(plan, *each) for each in new.items()):
        # Nothing would be different.
        return None
    if offers.refused(plan, new, dropped):
        return None
    return Try(written.launch((*kept, *added)), shlex.join(added))


def _option(word: str, engine: str) -> str:
    """Return the engine's option for one of `adapters.SETTINGS`; any other word is one itself."""
    if word in written.OURS or word not in SETTINGS:
        return word
    return adapters.of(engine).option(word)


def _accepted(name: str, options: Collection[str]) -> bool:
    return name in written.OURS or not options or f"--{name}" in options


def _holds(plan: Plan, name: str, value: str) -> bool:
    """Whether the engine was told so already."""
    if name == "env":
        variable, _, said = value.partition("=")
        return plan.env.get(variable) == said
    argv = (*plan.argv, "")
    return any(
        word == f"--{name}" and (not value or after == value)
        for word, after in itertools.pairwise(argv)
    )


@functools.cache
def _for_all() -> tuple[FailureRule, ...]:
    return tuple(rule for name in FILES for rule in _table(name))


def _table(name: str) -> tuple[FailureRule, ...]:
    file = Path(__file__).with_name("rules") / f"{name}.toml"
    return files.table(file, dict[str, tuple[FailureRule, ...]])["failures"]
