"""The card below the table of GPUs: bars, holders, and why some can't be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.render import devices, grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag
from aim_jupyter.render.shapes import Shape

_RIGHT = "text-align:right"
_HEADS = (
    ("GPU", _RIGHT),
    ("PCI", ""),
    ("VRAM", "width:34%"),
    ("used", _RIGHT),
    ("state", ""),
    ("holder", "width:24%;white-space:normal"),
    ("lease age", ""),
)


class Note(Struct, frozen=True, kw_only=True):
    """Why a GPU is not simply free: what was found, and what to do."""

    shape: Shape
    color: str
    found: str
    todo: str = ""


def gpus_card(
    machine: Machine, *, user: str | None = None, mask: str | None = None, on_hub: bool = False
) -> Card:
    """Return the card of a machine's GPUs.

    Parameters
    ----------
    user : str, optional
        Who looks: GPUs with this holder are "yours".
    mask : str, optional
        The variable that hides GPUs, such as ``ROCR_VISIBLE_DEVICES=0,1``.
    on_hub : bool
        Whether that mask came from the hub, which can be asked for another one.
    """
    notes = list(_notes(machine, mask, on_hub=on_hub))
    return card(_html(machine, user, notes), _text(machine, user, notes))


def _html(machine: Machine, user: str | None, notes: list[Note]) -> Html:
    about = html.soft(f"{machine.host} · {devices.describe(machine, memory=False)}")
    counts = " · ".join(devices.counts(machine)) if machine.gpus else ""
    parts = [_body(machine, user)]
    if notes:
        parts.append(html.part(*(_note(note) for note in notes)))
    return html.card(html.head("", about, counts), *parts)


def _body(machine: Machine, user: str | None) -> Html:
    if not machine.gpus:
        instead = html.prose(f"{devices.INSTEAD} `%aim launch` starts it.")
        return html.part(html.line(devices.NONE), html.line(html.soft(instead)))
    body = grid.table(_HEADS, [_cells(gpu, user) for gpu in machine.gpus])
    return html.part(body, _legend(machine, user))


def _cells(gpu: Gpu, user: str | None) -> list[str]:
    yours = devices.yours(gpu, user)
    return [
        html.strong(devices.ordinal(gpu)),
        html.code(gpu.pci_bdf or words.UNKNOWN, color=html.SOFT),
        _wide(shapes.gpu_bar(gpu, devices.label(gpu, user), yours=yours), 48),
        _used(gpu),
        shapes.gpu_state(gpu, yours=yours),
        _wide(_holder(gpu, user), 104),
        html.soft(_lease(gpu)),
    ]


def _wide(cell: Html, pixels: int) -> Html:
    return tag("div", cell, style=f"min-width:{pixels}px")


def _used(gpu: Gpu) -> Html:
    total = words.gib(gpu.vram_bytes)
    if gpu.state == "hidden" or gpu.vram_bytes is None:
        return html.soft(total)
    return html.join(words.gib(gpu.vram_used_bytes, ""), html.soft(f" of {total}"))


def _holder(gpu: Gpu, user: str | None) -> Html:
    if gpu.state == "hidden":
        return html.soft(_no_holder(gpu))
    name = devices.holder(gpu, user)
    shown = html.strong(name) if devices.yours(gpu, user) else name
    return html.dotted(shown, devices.held_for(gpu)) or html.escape(_no_holder(gpu))


def _no_holder(gpu: Gpu) -> str:
    reasons = {"hidden": "outside this notebook's mask", "unexplained": "no visible process"}
    return reasons.get(gpu.state or "", "")


def _lease(gpu: Gpu) -> str:
    if devices.unleased(gpu):
        return "no lease"
    return "" if gpu.lease_age_s is None else words.duration(gpu.lease_age_s)


def _legend(machine: Machine, user: str | None) -> Html:
    present = {"yours" if devices.yours(gpu, user) else gpu.state or "" for gpu in machine.gpus}
    if present - {"", "hidden"}:
        # The empty part of every bar.
        present.add("free")
    grounds = {
        "yours": ("yours", f"background:{html.BRAND}"),
        "busy": ("someone else's", f"background:{html.OTHERS}"),
        "unexplained": ("unexplained", f"background:{shapes.hatched(html.CARE)}"),
        "free": ("free", f"background:{html.TRACK}"),
        "hidden": ("hidden", f"border:1px dashed {html.OTHERS};box-sizing:border-box"),
    }
    return html.legend([ground for key, ground in grounds.items() if key in present])


def _note(note: Note) -> Html:
    found = html.line(html.prose(note.found))
    todo = html.line(html.soft(html.prose(note.todo))) if note.todo else ""
    sign = tag("div", shapes.glyph(note.shape, note.color), style="flex:none")
    return tag("div", sign, tag("div", found, todo), style="display:flex;margin-bottom:8px")


def _notes(machine: Machine, mask: str | None, *, on_hub: bool) -> Iterator[Note]:
    gpus = machine.gpus
    yield from map(_unexplained, _alike(gpu for gpu in gpus if gpu.state == "unexplained"))
    hidden = [gpu for gpu in gpus if gpu.state == "hidden"]
    if hidden:
        yield _hidden(hidden, mask, on_hub=on_hub)
    yield from (_unleased(gpu) for gpu in gpus if devices.unleased(gpu))
    shut = Counter(gpu.reason for gpu in gpus if gpu.usable is False and gpu.state != "hidden")
    for reason, count in shut.items():
        found = f"{words.plural(count, 'GPU')} can't be used: {reason or 'no reason known'}"
        yield Note(shape="cross", color=html.BAD, found=found)
    yield from (Note(shape="triangle", color=html.CARE, found=note) for note in machine.notes)


def _alike(gpus: Iterable[Gpu]) -> list[list[Gpu]]:
    """Return GPUs of which the same is to be said together: partitions of one GPU, above all."""
    groups: dict[str, list[Gpu]] = {}
    for gpu in gpus:
        groups.setdefault(words.gib(gpu.vram_used_bytes), []).append(gpu)
    return list(groups.values())


def _unexplained(gpus: Sequence[Gpu]) -> Note:
    one = len(gpus) == 1
    used = gpus[0].vram_used_bytes
    amount = f"{words.gib(used)}{'' if one else ' each'} are" if used is not None else "memory is"
    where = words.listing([f"`{gpu.pci_bdf or words.UNKNOWN}`" for gpu in gpus])
    return Note(
        shape="diamond",
        color=html.CARE,
        found=f"{devices.names(gpus)}: {amount} held by no visible process.",
        todo=f"Launches skip {'it' if one else 'them'}. Ask an admin to look on the host: {where}",
    )


def _hidden(gpus: Sequence[Gpu], mask: str | None, *, on_hub: bool) -> Note:
    by = f"by `{mask}`" if mask else "from this notebook"
    if on_hub:
        by += ", set when the hub started this notebook"
    todo = "stop your notebook server and choose another GPU option in the hub"
    one = len(gpus) == 1
    which = words.listing([gpu.pci_bdf or "a GPU" for gpu in gpus])
    return Note(
        shape="dashed",
        color=html.OTHERS,
        found=f"{which[:1].upper()}{which[1:]} {'is' if one else 'are'} hidden {by}.",
        todo=f"To use {'it' if one else 'them'}, "
        f"{todo if on_hub else 'start the notebook without that mask'}.",
    )


def _unleased(gpu: Gpu) -> Note:
    left = None
    if gpu.vram_bytes is not None and gpu.vram_used_bytes is not None:
        left = gpu.vram_bytes - gpu.vram_used_bytes
    who = gpu.holder or "somebody"
    return Note(
        shape="triangle",
        color=html.CARE,
        found=f"{devices.name(gpu)}: {who} holds {words.gib(gpu.vram_used_bytes)} without a lease.",
        todo=f"Launches skip it; `--share-gpus` would use the other {words.gib(left)}.",
    )


def _text(machine: Machine, user: str | None, notes: list[Note]) -> list[str]:
    about = f"{machine.host} · {devices.describe(machine, memory=False, times='x')}"
    if not machine.gpus:
        return [*t.head("", about), devices.NONE, devices.INSTEAD]
    heads = [name for name, _ in _HEADS]
    numeric = [style == _RIGHT for _, style in _HEADS]
    body = [_text_cells(gpu, user) for gpu in machine.gpus]
    lines = t.head("", about, " · ".join(devices.counts(machine)))
    lines += t.columns([heads, *body], numeric)
    for note in notes:
        lines += ["", t.prose(note.found), *([t.prose(note.todo)] if note.todo else [])]
    return lines


def _text_cells(gpu: Gpu, user: str | None) -> list[str]:
    total = words.gib(gpu.vram_bytes)
    unknown = gpu.state == "hidden" or gpu.vram_bytes is None
    used = total if unknown else f"{words.gib(gpu.vram_used_bytes, '')} of {total}"
    held = " · ".join(filter(None, [devices.holder(gpu, user), devices.held_for(gpu)]))
    return [
        t.bold(devices.ordinal(gpu)),
        gpu.pci_bdf or words.UNKNOWN,
        t.bar(gpu),
        used,
        gpu.state or "unknown",
        held or _no_holder(gpu),
        _lease(gpu),
    ]
