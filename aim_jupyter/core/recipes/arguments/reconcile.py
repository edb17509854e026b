"""Arguments and environment as the chosen engine accepts them, and what was done to get there.

Recipes outlive engine versions. What the engine's own parser does not know is translated where
``arguments.toml`` knows its successor, and dropped with the reason where it does not. What the user
asked for is never dropped: an option that the engine lacks is an error there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.errors import closest
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.arguments.options import Option, Options, plain
from aim_jupyter.core.recipes.arguments.renamed import table
from aim_jupyter.core.records import Flag


class Overrides(Struct, frozen=True, kw_only=True):
    """What the user wants otherwise than the recipe.

    Attributes
    ----------
    set : dict
        Options to add or change; None and True are a bare switch, False switches it off.
    unset : tuple of str
        Options and variables of the recipe to leave out.
    env : dict
        Beats the recipe's environment.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


class Reconciled(Struct, frozen=True, kw_only=True):
    """What the engine will be given.

    Attributes
    ----------
    args : dict
        By the engine's own names; True is a switch that is on, False one that is off.
    changes : tuple of str
        What was translated, dropped, overridden: a line each.
    errors : tuple of str
        What is wrong with the user's wishes: a line each; empty where all can be had.
    """

    args: dict[str, Any]
    env: dict[str, str]
    argv: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def reconcile(
    args: Mapping[str, Any],
    env: Mapping[str, str],
    *,
    flags: Iterable[Flag] = (),
    variables: Iterable[str] = (),
    overrides: Overrides | None = None,
    engine: str = "the engine",
    adapter: Adapter | None = None,
    ours: Collection[str] = (),
) -> Reconciled:
    """Return what the engine accepts of a recipe and of the user's wishes.

    Parameters
    ----------
    args, env
        Of the recipe; a value of None is a bare switch.
    flags, variables
        Of the engine environment; nothing is checked where they are empty.
    engine : str
        How messages call it, such as ``vLLM 0.32.0``.
    adapter : Adapter or None
        Of the engine: recipes and users may say things in the words of vLLM, which are translated.
    ours : collection of str
        Options that a line can have beside the engine's: what is none may have meant one.
    """
    work = _Work(Options(flags), frozenset(variables), engine, adapter)
    work.ours = ours
    return work.run(args, env, overrides or Overrides())


class _Work:
    """One reconciliation: what is kept so far, and what was said about it."""

    def __init__(
        self, options: Options, variables: frozenset[str], engine: str, adapter: Adapter | None
    ) -> None:
        self.options, self.variables, self.engine = options, variables, engine
        self.adapter = adapter
        self.reserved = {**table().reserved, **(adapter.reserved if adapter else {})}
        self.ours: Collection[str] = ()
        self.args: dict[str, Any] = {}
        self.env: dict[str, str] = {}
        self.changes: list[str] = []
        self.errors: list[str] = []

    def run(
        self, args: Mapping[str, Any], env: Mapping[str, str], overrides: Overrides
    ) -> Reconciled:
        for name, value in env.items():
            self._take_variable(name, value)
        for name, value in args.items():
            self._take(name, value)
        for name in overrides.unset:
            self._unset(name)
        for name, value in overrides.set.items():
            self._set(name, value)
        for name, value in overrides.env.items():
            self._set_variable(name, value)
        self._resolve({plain(name) for name in overrides.set})
        return Reconciled(
            args=self.args,
            env=self.env,
            argv=tuple(self.options.words(self.args)),
            changes=tuple(self.changes),
            errors=tuple(self.errors),
        )

    def _take(self, name: str, value: Any) -> None:
        """Take an option of the recipe: translated or dropped where the engine lacks it."""
        name, value = self._translated(name, value)
        base, _, path = plain(name).partition(".")
        if not base:
            return
        found = self.options.find(base)
        if found is None:
            self._take_former(base, value)
            return
        option, off = found
        why = self.adapter.reserved.get(option.name) if self.adapter else None
        if why:
            self.changes.append(f"--{option.name} dropped: {why}")
            return
        try:
            self._keep(option, option.accept(value, off=off), path)
        except ValueError as error:
            self.changes.append(f"--{base} dropped: {error}")

    def _translated(self, name: str, value: Any) -> tuple[str, Any]:
        """Return an option of vLLM as this engine has it; no name where nothing needs saying."""
        if self.adapter is None or self.adapter.name == WRITTEN_FOR:
            return name, value
        base = plain(name)
        said = adapters.translate(base, value, adapters.get(WRITTEN_FOR), self.adapter)
        if said is None or (said.option, said.value) == (base, value):
            return name, value
        if not said.option:
            self.changes.append(f"--{base} is what {self.engine} does by itself")
        elif said.option == base:
            self.changes.append(
                f"--{base}: {_short(said.value)} is {self.engine}'s {_short(value)}"
            )
        else:
            self.changes.append(f"--{base} is --{said.option} in {self.engine}")
        return said

    def _take_former(self, name: str, value: Any) -> None:
        former = table().option.get(name.removeprefix("no-"))
        if former is None:
            self.changes.append(f"--{name} dropped: {self.engine} has no such option")
        elif former.use and self.options.find(former.use):
            self.changes.append(f"--{name} is --{former.use} in {self.engine}")
            self._take(former.use, former.fill(value))
        else:
            self.changes.append(f"--{name} dropped: {former.why}")

    def _take_variable(self, name: str, value: str) -> None:
        """Take a variable of the recipe; only the engine's own names can be checked."""
        if self._knows(name):
            self.env[name] = value
            return
        former = table().variable.get(name)
        if former is None:
            self.changes.append(f"{name} dropped: {self.engine} has no such variable")
        elif former.into:
            self.changes.append(f"{name} is --{former.into} in {self.engine}")
            self._take(former.into, value)
        elif former.use and self._knows(former.use):
            self.changes.append(f"{name} is {former.use} in {self.engine}")
            self.env.setdefault(former.use, former.fill(value))
        else:
            self.changes.append(f"{name} dropped: {former.why}")

    def _knows(self, variable: str) -> bool:
        owner = next((name for name in self._engines() if _is_of(variable, name)), None)
        if owner is None or (self.adapter is not None and owner != self.adapter.name):
            return owner is None
        return not self.variables or variable in self.variables

    def _engines(self) -> set[str]:
        """Return the engines whose variables are told from others' by their first word."""
        return {WRITTEN_FOR, *([self.adapter.name] if self.adapter else [])}

    def _unset(self, name: str) -> None:
        base = plain(name)
        found = self.options.find(base)
        key = found[0].name if found else base
        if key in self.args:
            del self.args[key]
            self.changes.append(f"--{key} left out, as asked")
        elif name in self.env:
            del self.env[name]
            self.changes.append(f"{name} left out, as asked")
        elif found is None and base not in table().option and not name.isupper():
            self.errors.append(self._unknown(base))

    def _set(self, name: str, value: Any) -> None:
        """Take an option of the user: as it is, or an error."""
        name, value = self._translated(name, value)
        base, _, path = plain(name).partition(".")
        if not base:
            return
        found = self.options.find(base)
        if found is None:
            self.errors.append(self._unknown(base))
            return
        option, off = found
        if option.name in self.reserved:
            self.errors.append(f"--{option.name}: {self.reserved[option.name]}")
            return
        try:
            accepted = option.accept(value, off=off)
        except ValueError as error:
            self.errors.append(f"--{base}: {error}")
            return
        before = self.args.get(option.name, accepted)
        if not path and before != accepted:
            self.changes.append(
                f"--{option.name}: {_short(accepted)}, as asked; {_short(before)} in the recipe"
            )
        self._keep(option, accepted, path, over=True)
        if self.adapter and any(self.adapter.allowed.option(plain(name), accepted)):
            self._tell(option.name)

    def _tell(self, name: str) -> None:
        """Say what an option or a variable of the user does that no recipe may ask for."""
        effect = {**table().effects, **(self.adapter.effects if self.adapter else {})}.get(name)
        if effect:
            self.changes.append(f"{_dashed(name)}, as asked: {effect}")

    def _set_variable(self, name: str, value: str) -> None:
        if name in self.reserved:
            self.errors.append(f"{name}: {self.reserved[name]}")
            return
        before = self.env.get(name, value)
        if before != value:
            self.changes.append(f"{name}={value}, as asked; {before} in the recipe")
        if not self._knows(name):
            near = closest(name, self.variables, 1)
            hint = f"; nearest: {near[0]}" if near else ""
            self.changes.append(
                f"{name} kept as asked, though {self.engine} does not know it{hint}"
            )
        self.env[name] = value
        self._tell(name)

    def _keep(self, option: Option, value: Any, path: str, *, over: bool = False) -> None:
        name = option.name
        if path:
            value = _inside(_parsed(self.args.get(name)), path.split("."), _parsed(value))
        elif name in self.args and not over and self.args[name] != value:
            self.changes.append(f"--{name} is given twice: {_short(value)} holds")
        self.args[name] = self._renamed_keys(name, value)

    def _renamed_keys(self, name: str, value: Any) -> Any:
        formers, inside_of = table().key.get(name), _parsed(value)
        if not formers or not isinstance(inside_of, dict):
            return value
        renamed = {}
        for key, inside in inside_of.items():
            former = formers.get(key)
            if former is None or former.use is None:
                renamed[key] = inside
                continue
            self.changes.append(f"{key} is {former.use} inside of --{name} now")
            if former.value is None or inside:
                renamed[former.use] = former.fill(inside)
        return renamed

    def _resolve(self, asked: Collection[str]) -> None:
        """Drop one of two that contradict each other: never what the user asked for."""
        for one in table().contradiction:
            if self.args.get(one.keep) in (None, False):
                continue
            loser = one.keep if one.drop in asked and one.keep not in asked else one.drop
            for name, held in ((loser, self.args), (one.drop_variable, self.env)):
                if name is not None and name in held:
                    del held[name]
                    self.changes.append(f"{_dashed(name)} dropped: {one.why}")

    def _unknown(self, name: str) -> str:
        former = table().option.get(name.removeprefix("no-"))
        if former is not None:
            instead = f"use --{former.use}" if former.use else former.why
            return f"--{name} is gone from {self.engine}: {instead}"
        near = closest(name, {*self.options.names, *self.ours}, 1)
        return f"{self.engine} has no option --{name}" + (f"; nearest: --{near[0]}" if near else "")


def _parsed(value: Any) -> Any:
    """Return what a string of JSON says, and anything else as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _inside(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    known = value if isinstance(value, dict) else {}
    return {**known, path[0]: _inside(known.get(path[0]), path[1:], new)}


def _is_of(variable: str, engine: str) -> bool:
    return variable.startswith(f"{engine.upper()}_")


def _dashed(name: str) -> str:
    return name if name.isupper() else f"--{name}"


def _short(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "off" if value is False else "on"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
