"""Sites beyond this machine: what they have, and the machine that a request means there."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core import devices, events
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.errors import BadUsage, SiteError, UnknownName
from aim_jupyter.core.gpus import simulated
from aim_jupyter.core.places import asking, registry
from aim_jupyter.core.places import site as described
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.records import Check, Machine, Partition
from aim_jupyter.core.request import Request


def settled(request: Request) -> tuple[Request, Machine]:
    """Return a request with the part of its site that is meant, and the machine that it is for.

    On this machine both are as they are. Inside of a job of the site it is this machine too, unless
    a partition is named: the job's GPUs are what there is.

    Raises
    ------
    BadUsage
        If it asks for what only this machine can give.
    SiteError, UnknownName
        If there is no such site or partition, or it does not answer.
    """
    if request.on is None:
        if request.partition is not None:
            raise BadUsage("A partition is a part of a site.", "leave out --partition")
        return request, machine()
    site = registry.site(request.on)
    _check(request, site)
    if request.partition is None and registry.at(site).inside():
        return request, machine()
    part = partition(site, request.partition)
    return replace(request, partition=part.name), there(site, part)


def _check(request: Request, site: Site) -> None:
    title = site.title or site.name
    if request.gpus is not None:
        raise BadUsage(f"{title} chooses the GPUs of a job.", "leave out --gpus")
    if request.queue:
        raise BadUsage(f"{title} has a line of its own.", "leave out --queue")
    if request.with_jupyter:
        raise BadUsage(
            "A job can't see the end of this Jupyter server.", "leave out --with-jupyter"
        )
    if request.listen not in (None, "loopback", "unix"):
        raise BadUsage(f"At {title} a server listens on its node alone.", "leave out --listen")


def partition(site: Site, name: str | None = None) -> Partition:
    """Return the partition of a site that is named, else its file's, else its own default.

    Raises
    ------
    SiteError
        If the site shows none, or has never answered.
    UnknownName
        If there is none of that name, with the nearest.
    """
    known = {one.name: one for one in partitions(site.name)}
    wanted = name or site.partition
    if wanted and wanted not in known:
        line = f"%aim gpus --on {site.name}"
        raise UnknownName("partition", wanted, known, line)
    return known[wanted] if wanted else next(iter(known.values()))


def partitions(name: str) -> list[Partition]:
    """Return the partitions of a site, that of the default first.

    Raises
    ------
    SiteError
        If it shows none, or has never answered.
    """
    site = registry.site(name)
    told = asking.partitions(site)
    if told.silent_since is not None and not told.partitions:
        # Its own words say why.
        registry.at(site).partitions()
    if told.silent_since is not None:
        events.report(f"{site.title or name} does not answer now: this is what it said before.")
    if not told.partitions:
        raise SiteError(f"{site.title or name} shows no partition.", "%aim gpus")
    return list(told.partitions)


def gpus_there(name: str) -> list[Partition]:
    """Return the partitions of a site with the model of their GPUs, where that is known."""
    site = registry.site(name)
    return [_of_model(part, model(site, part)) for part in partitions(name)]


def _of_model(part: Partition, device: devices.Device | None) -> Partition:
    if device is None or not part.gpus_per_node:
        return part
    return replace(part, gpu_model=device.model, vram_bytes=device.reported_bytes)


def there(site: Site, part: Partition) -> Machine:
    """Return the machine that a node of a partition is, as far as its site says.

    Raises
    ------
    SiteError
        If it does not say of which model its GPUs are.
    """
    host = f"{site.name}:{part.name}"
    if not part.gpus_per_node:
        return replace(simulated.machine("cpu"), host=host, simulated=False)
    device = model(site, part)
    if device is None:
        raise SiteError(
            f"{site.title or site.name} calls the GPUs of {part.name} {part.gpu or 'gpu'!r}: "
            "which model is that?",
            f'write gpu = "mi300x" into {described.folders()[-1]}/{site.name}.toml',
        )
    cards = part.gpus_per_node // (device.dies if site.gcd else 1)
    return replace(simulated.machine(f"{device.key}:{max(1, cards)}"), host=host, simulated=False)


def model(site: Site, part: Partition) -> devices.Device | None:
    """Return the model of a partition's GPUs; None where nobody says, or nobody knows it."""
    word = (site.gpu or part.gpu).lower()
    return devices.typed(word) if word else None


def known_sites() -> list[Site]:
    """Return the sites that are described or here, then the templates."""
    shipped = (described.read(name, path) for name, path in described.templates().items())
    return [*registry.known(), *shipped]


def check_site(name: str) -> list[Check]:
    """Return what was found by trying a site, the failed checks first.

    Raises
    ------
    SiteError, UnknownName
        If there is no such site, or its file can't be used.
    """
    site = registry.site(name)
    return sorted(registry.at(site).check(), key=lambda check: check.good)
