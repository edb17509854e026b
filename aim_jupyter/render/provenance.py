"""The cards of `%aim provenance` and `%aim replay --dry`: what served, and what has changed."""

from __future__ import annotations

from collections.abc import Iterable

from aim_jupyter.core.records.provenance import Difference, Provenance, Served
from aim_jupyter.render import facts, html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.facts import Fact
from aim_jupyter.render.nothing import nothing_card

#: Files that are named before the rest is counted.
_FILES = 4


def record_card(kept: Provenance) -> Card:
    """Return the card of a record, with a sentence for a paper."""
    told = _facts(kept)
    model = html.strong(kept.served.model)
    top = html.head("provenance", model, kept.id)
    lines = [*t.head("provenance", t.bold(kept.served.model), kept.id), *facts.lines(told)]
    return card(html.card(top, html.part(facts.rows(told, width=110, gap=8))), lines)


def differences_card(found: list[Difference]) -> Card | None:
    """Return the card of nothing that differs; what does is a table."""
    if found:
        return None
    return nothing_card("replay", "Nothing differs.", "The same would be served here.")


def sentence(kept: Provenance) -> str:
    """Return what a methods section says of it."""
    served = kept.served
    at = f" (revision {served.revision[:12]})" if served.revision else ""
    where = ", ".join(_counted(served.devices))
    return (
        f"{served.model}{at} was served by {words.engine(served.engine, served.engine_version)} "
        f"on {where} with aim_jupyter {served.aim_jupyter}, recipe {served.recipe} "
        f"(record {kept.id})."
    )


def _facts(kept: Provenance) -> list[Fact]:
    served = kept.served
    said = [
        Fact(name="Engine", said=_engine(served), notes=_versions(served)),
        Fact(name="Model", said=_source(served), notes=tuple(_files(served.files))),
        *(
            Fact(name="Beside it", said=option, notes=tuple(_files(files)))
            for option, files in served.beside.items()
        ),
        Fact(name="Recipe", said=f"{served.recipe}, {served.origin}", notes=served.arguments),
        Fact(name="Devices", said=", ".join(_counted(served.devices))),
    ]
    if served.environment:
        pairs = tuple(f"{name}={value}" for name, value in served.environment.items())
        said.append(Fact(name="Variables", said=pairs[0], notes=pairs[1:]))
    asked = f"%aim launch {' '.join(kept.asked)}"
    return [
        *said,
        Fact(name="Asked for by", said=asked, kind="command"),
        Fact(name="For a paper", said=sentence(kept), kind="soft"),
    ]


def _engine(served: Served) -> str:
    more = filter(None, (served.rocm and f"ROCm {served.rocm}", served.driver and "amdgpu"))
    return ", ".join([words.engine(served.engine, served.engine_version), served.platform, *more])


def _versions(served: Served) -> tuple[str, ...]:
    pairs = [f"{name} {version}" for name, version in served.packages.items()]
    inside = [f"image {served.image}"] if served.image else []
    driver = [f"driver {served.driver}"] if served.driver else []
    return (*inside, *driver, *([", ".join(pairs)] if pairs else []))


def _source(served: Served) -> str:
    note = served.source.note if served.source is not None else ""
    where = f"{served.source.kind} {served.source.name}" if served.source is not None else ""
    at = f"revision {served.revision}" if served.revision else ""
    return ", ".join(filter(None, (where or served.model, at, note)))


def _files(files: dict[str, str]) -> Iterable[str]:
    largest = sorted(files, key=lambda name: (not name.endswith(".safetensors"), name))
    for name in largest[:_FILES]:
        kind, _, digest = files[name].partition(":")
        yield f"{name} {kind} {digest[:12]}"
    if len(largest) > _FILES:
        yield f"and {len(largest) - _FILES} more files"


def _counted(devices: tuple[str, ...]) -> list[str]:
    kinds = dict.fromkeys(devices)
    return [
        f"{count} x {kind}" if (count := devices.count(kind)) > 1 else kind for kind in kinds
    ] or ["an unknown device"]
