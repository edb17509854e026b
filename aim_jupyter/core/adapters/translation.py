"""An option of one engine in the words of another, by the tables of both adapters.

Each adapter says in ``[settings]`` which of its options is which of our words (`SETTINGS`). Values
are spelled as vLLM spells them, the engine for which most recipes are written; an adapter says
where its own differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aim_jupyter.core.adapters.adapter import Adapter
from aim_jupyter.core.adapters.settings import Setting

_ON, _OFF = ("", "true"), ("false",)


class Translation(NamedTuple):
    """What an option is elsewhere.

    Attributes
    ----------
    option : str
        Without dashes; empty where the engine does by itself what was asked for.
    value : object
        True and False for a switch.
    """

    option: str
    value: Any = None


def translate(name: str, value: Any, source: Adapter, target: Adapter) -> Translation | None:
    """Return an option of `source` as `target` has it, None where it has nothing of the kind.

    Parameters
    ----------
    name : str
        Without dashes; ``no-…`` switches off.
    value : object
        None and True are a bare switch.

    Examples
    --------
    >>> from aim_jupyter.core import adapters
    >>> vllm = adapters.get("vllm")
    >>> translate("max-model-len", 4096, vllm, vllm)
    Translation(option='max-model-len', value=4096)
    """
    off = name.startswith("no-")
    word, setting = _find(name.removeprefix("no-") if off else name, source)
    wanted = target.setting(word) if word else None
    if setting is None or wanted is None:
        return None
    return _said(wanted, _meant(setting, False if off else value))


def in_words_of(target: Adapter, args: dict[str, Any], source: Adapter) -> dict[str, Any]:
    """Return what can be said of the arguments of `source` in the options of `target`."""
    found = (translate(name, value, source, target) for name, value in args.items())
    return {said.option: said.value for said in found if said is not None and said.option}


def _find(name: str, source: Adapter) -> tuple[str, Setting | None]:
    for word in source.settings:
        setting = source.setting(word)
        if setting is not None and setting.option == name:
            return word, setting
    return "", None


def _meant(setting: Setting, value: Any) -> Any:
    """Return the value as vLLM spells it; True or False for a switch."""
    if setting.inverted:
        return _switched(value) is False
    ours = {theirs: name for name, theirs in setting.values.items()}
    return ours.get(str(value), value)


def _said(setting: Setting, value: Any) -> Translation:
    """Return the value as the engine of `setting` has it."""
    on = _switched(value)
    if setting.inverted:
        # Only what it does otherwise than by itself needs saying.
        return Translation("") if on else Translation(setting.option, True)  # noqa: FBT003
    if on is not None and setting.values:
        # A switch there, a value here; what the table leaves out needs no saying.
        spelled = setting.values.get("true" if on else "false")
        return Translation(setting.option, spelled) if spelled else Translation("")
    return Translation(setting.option, setting.values.get(str(value), value))


def _switched(value: Any) -> bool | None:
    """Return whether a switch is on or off, None for a value that is no switch's."""
    if value is None or isinstance(value, bool):
        return value is not False
    word = value.casefold() if isinstance(value, str) else "a value"
    return True if word in _ON else False if word in _OFF else None
