"""The options of one engine by any of their spellings, as its own parser has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from aim_jupyter.core.errors import closest
from aim_jupyter.core.records import Flag

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "K": 2**10, "M": 2**20, "G": 2**30}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([kmgKMG]?)(?:iB|B)?")


class Option(Struct, frozen=True, kw_only=True):
    """One option under its first long name, without dashes.

    Attributes
    ----------
    off : str or None
        The name that switches it off, for a switch that has one.
    checked : bool
        False where the engine was not asked what it accepts.
    """

    name: str
    takes_value: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()
    off: str | None = None
    checked: bool = True

    def accept(self, value: Any, *, off: bool = False) -> Any:
        """Return the value as the option takes it; True and False for a switch.

        Parameters
        ----------
        off : bool
            Whether it was given by the name that switches it off.

        Raises
        ------
        ValueError
            If it does not take the value; half a sentence says why.
        """
        if not self.checked:
            return False if off else value is None or value
        if not self.takes_value:
            return self._switch(value, off=off)
        if value is None or isinstance(value, bool):
            raise ValueError("it needs a value")
        if isinstance(value, list) and self.many and any(str(one).startswith("-") for one in value):
            # Several words can't be tied to their option: the engine would take it for another.
            raise ValueError("none of its values can begin with a dash")
        for one in value if isinstance(value, list) else [value]:
            if self.choices and str(one) not in self.choices:
                raise ValueError(f"it can't be {one!r}; {self._near(str(one))}")
        return value

    def _near(self, value: str) -> str:
        near = closest(value, self.choices)
        return f"nearest: {', '.join(near)}" if near else f"one of {', '.join(self.choices[:8])}"

    def _switch(self, value: Any, *, off: bool) -> bool:
        said = value.casefold() if isinstance(value, str) else value
        if said not in (None, True, False, "", "true", "false"):
            raise ValueError("it is a switch and takes no value")
        on = (said in (None, True, "", "true")) != off
        if not on and self.off is None:
            raise ValueError("it is off unless given")
        return on


class Options:
    """All options of an engine; where the engine was not asked there are none, and all are taken.

    Parameters
    ----------
    flags : iterable of Flag
        Of the engine environment.
    """

    def __init__(self, flags: Iterable[Flag]) -> None:
        self._by_name: dict[str, tuple[Option, bool]] = {}
        for option, names in map(_option, flags):
            for name in names:
                self._by_name.setdefault(name, (option, name == option.off))

    @property
    def names(self) -> list[str]:
        """Every spelling."""
        return list(self._by_name)

    def find(self, name: str) -> tuple[Option, bool] | None:
        """Return an option by any spelling, and whether that spelling switches it off."""
        if self._by_name:
            return self._by_name.get(name)
        on = name.removeprefix("no-")
        return Option(name=on, off=f"no-{on}", checked=False), on != name

    def words(self, args: Mapping[str, Any]) -> list[str]:
        """Return arguments as words of argv; nothing is ever joined and split again.

        Examples
        --------
        >>> Options([]).words({"enforce-eager": True, "async-scheduling": False, "seed": 8})
        ['--enforce-eager', '--no-async-scheduling', '--seed', '8']
        """
        return [word for name, value in args.items() for word in self._said(name, value)]

    def _said(self, name: str, value: Any) -> list[str]:
        if value is False:
            return [f"--no-{name}"]
        if value is True:
            return [f"--{name}"]
        found = self.find(name)
        if isinstance(value, list) and found and found[0].many:
            return [
                f"--{name}",
                *(one if isinstance(one, str) else json.dumps(one) for one in value),
            ]
        text = json.dumps(value) if isinstance(value, dict | list) else str(value)
        # A value that looks like an option would be taken for one, and switch something else on.
        return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def plain(name: str) -> str:
    """Return an option's name without leading dashes, written with dashes up to the first dot.

    Examples
    --------
    >>> plain("--distributed_executor_backend")
    'distributed-executor-backend'
    >>> plain("-cc.pass_config.fuse_rope")
    'cc.pass_config.fuse_rope'
    """
    first, dot, rest = name.lstrip("-").partition(".")
    return first.replace("_", "-") + dot + rest


def named(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return options under their `plain` names.

    Examples
    --------
    >>> named({"--max_model_len": 8192})
    {'max-model-len': 8192}
    """
    return {plain(name): value for name, value in args.items()}


#: vLLM's one-dash names of what spreads a model (0.32), for an engine that was not asked.
_SHORT = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "dpl": "data-parallel-size-local",
    "pcp": "prefill-context-parallel-size",
    "n": "nnodes",
}


def canonical(options: Mapping[str, Any], flags: Iterable[Flag] = ()) -> dict[str, Any]:
    """Return options under the engine's own names; of two spellings of one the later holds.

    Parameters
    ----------
    flags : iterable of Flag
        Of the engine; without any, only vLLM's short names are known.

    Examples
    --------
    >>> canonical({"-tp": "4", "--max_model_len": 8192})
    {'tensor-parallel-size': '4', 'max-model-len': 8192}
    """
    known = Options(flags) if options else Options([])
    found: dict[str, Any] = {}
    for spelled, value in options.items():
        base, dot, path = plain(spelled).partition(".")
        option = known.find(base) if known.names else None
        name = _SHORT.get(base, base)
        if option is not None:
            name = (option[0].off or base) if option[1] else option[0].name
        found.pop(f"{name}{dot}{path}", None)
        found[f"{name}{dot}{path}"] = value
    return found


def whole(value: Any) -> int | None:
    """Return the whole number that an option's value says, None where it says none above zero.

    Examples
    --------
    >>> whole("32k"), whole("64M"), whole("auto")
    (32000, 67108864, None)
    """
    match = _NUMBER.fullmatch(str(value).strip())
    number = float(match[1]) * _UNITS[match[2]] if match else 0
    return int(number) if number >= 1 else None


def _option(flag: Flag) -> tuple[Option, list[str]]:
    names = [plain(name) for name in flag.names]
    long = [plain(name) for name in flag.names if name.startswith("--")] or names
    on = next((name for name in long if not name.startswith("no-")), long[0])
    off = f"no-{on}" if f"no-{on}" in names else None
    option = Option(
        name=on, takes_value=flag.takes_value, many=flag.many, choices=flag.choices, off=off
    )
    return option, names
