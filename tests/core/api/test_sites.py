"""A request for a site means a machine of its partition, and only what a site can give."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.api import sites
from aim_jupyter.core.errors import BadUsage, SiteError, UnknownName
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.request import Request
from tests.core.places.conftest import standin as standin  # noqa: PLC0414 - a fixture


def test_here_nothing_changes() -> None:
    request = Request(model="demo")
    assert sites.settled(request)[0] is request
    with pytest.raises(BadUsage, match="part of a site"):
        sites.settled(Request(model="demo", partition="gpu"))


def test_the_machine_is_a_node_of_the_partition(standin: Path) -> None:
    assert standin.is_dir()
    there, machine = sites.settled(Request(model="demo", on="standin"))
    assert (there.partition, machine.host, machine.gpus) == ("cpu", "standin:cpu", ())
    there, machine = sites.settled(Request(model="demo", on="standin", partition="gpu"))
    assert [gpu.model for gpu in machine.gpus] == ["MI300X"] * 4
    assert not machine.simulated


def test_inside_of_a_job_it_is_this_machine(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_JOB", "1")
    assert standin.is_dir()
    there, machine = sites.settled(Request(model="demo", on="standin"))
    assert there.partition is None
    assert machine.host != "standin:cpu"
    assert sites.settled(Request(model="demo", on="standin", partition="cpu"))[0].partition == "cpu"


@pytest.mark.parametrize(
    "asked", [{"gpus": (0,)}, {"with_jupyter": True}, {"listen": "0.0.0.0"}, {"queue": True}]
)
def test_what_a_site_can_not_give_is_refused(standin: Path, asked: dict[str, object]) -> None:
    assert standin.is_dir()
    with pytest.raises(BadUsage):
        sites.settled(Request(model="demo", on="standin", **asked))  # type: ignore[arg-type]


def test_what_is_not_there_is_told(standin: Path) -> None:
    with pytest.raises(UnknownName, match="gpuu"):
        sites.settled(Request(model="demo", on="standin", partition="gpuu"))
    with pytest.raises(SiteError, match="which model is that"):
        sites.settled(Request(model="demo", on="standin", partition="odd"))
    models = {part.name: part.gpu_model for part in sites.gpus_there("standin")}
    assert models == {"cpu": None, "gpu": "MI300X", "odd": None}
    (standin / "silent").touch()
    for file in Path(standin.parent / "state/sites").glob("*.json"):
        file.unlink()
    with pytest.raises(SiteError, match="did not answer"):
        sites.partitions("standin")


def test_dies_are_what_a_site_counts(standin: Path) -> None:
    assert standin.is_dir()
    part = sites.partition(registry.site("standin"), "gpu")
    counted = sites.there(Site(name="x", gpu="mi250x", gcd=True), part)
    cards = sites.there(Site(name="x", gpu="mi250x"), part)
    assert (len(counted.gpus), len(cards.gpus)) == (4, 8)


def test_sites_are_listed_with_the_templates(standin: Path) -> None:
    assert standin.is_dir()
    assert {"standin", "lumi-g"} <= {site.name for site in sites.known_sites()}
    assert [check.good for check in sites.check_site("standin")] == [True]
