"""Which kinds of places there are, and the sites of each.

Places register in the entry-point group ``aim_jupyter.places``, as engines do in theirs; the name
of the entry is that of the place. Nothing is loaded before a site is named.
"""

from __future__ import annotations

import functools
import importlib

from aim_jupyter.core.errors import SiteError, UnknownName
from aim_jupyter.core.places import site as sites
from aim_jupyter.core.places.place import Place
from aim_jupyter.core.places.site import Site

GROUP = "aim_jupyter.places"
# For a checkout whose metadata is not installed; whoever needs this one looks for no other.
_OWN = {"slurm": "aim_jupyter.core.places.slurm:Slurm"}


@functools.cache
def of(name: str) -> type[Place]:
    """Return the place of a name, a class of its own.

    Raises
    ------
    UnknownName
        If there is none.
    SiteError
        If it can't be loaded, or is none.
    """
    value = _OWN.get(name) or _entries().get(name)
    if value is None:
        known = known_names()
        raise UnknownName("place", name, known, f"one of {', '.join(known)}")
    module, _, attribute = value.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # foreign code, whose every failure is told
        raise SiteError(f"Place {name} ({value}) can't be loaded: {error!r}.") from error
    if not (isinstance(found, type) and issubclass(found, Place)) or found.name != name:
        raise SiteError(f"Place {name} ({value}) is no place of that name.")
    return found


def at(site: Site) -> Place:
    """Return the place of a site.

    Raises
    ------
    UnknownName, SiteError
        If there is none.
    """
    return of(site.place)(site)


def known_names() -> list[str]:
    """Return the names of all places, our own first."""
    return [*_OWN, *(name for name in _entries() if name not in _OWN)]


def _entries() -> dict[str, str]:
    # Not at the top: who stays on this machine never looks for any.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {point.name: point.value for point in sorted(entry_points(group=GROUP))}


def in_job() -> bool:
    """Whether this process is a part of a job of ours, at any site."""
    return any(bool(of(name).inside()) for name in _OWN)


def site(name: str) -> Site:
    """Return the site of a name: what its file says, else the place of that name as it is.

    Raises
    ------
    UnknownName
        If there is neither.
    SiteError
        If its file can't be used, or it is a template that says nothing of who asks.
    """
    written = sites.written()
    if name in written:
        return sites.read(name, written[name])
    if name in known_names():
        return Site(name=name, place=name, title=of(name).title)
    if name in sites.templates():
        folder = sites.folders()[-1]
        raise SiteError(
            f"{name} is a template, and no site of yours.",
            f"write like = {name!r} and your account into {folder}/{name}.toml",
        )
    known = [*written, *known_names()]
    raise UnknownName("site", name, known, "%aim sites")


def known() -> list[Site]:
    """Return the sites that are described, and those of places that are here without a file."""
    found = [sites.read(name, path) for name, path in sites.written().items()]
    described = {one.place for one in found}
    bare = (name for name in known_names() if name not in described and of(name).here())
    return [*found, *map(site, bare)]
