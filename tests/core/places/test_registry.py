"""Places are found by name; sites are what their files say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.errors import SiteError, UnknownName
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.slurm import Slurm
from tests.core.places.standin import Standin


def test_a_place_of_another_package_is_found(standin: Path) -> None:
    assert standin.is_dir()
    assert registry.of("slurm") is Slurm
    assert registry.of("standin") is Standin
    assert registry.known_names() == ["slurm", "standin"]
    assert isinstance(registry.at(registry.site("standin")), Standin)


def test_a_place_without_a_file_is_a_site_where_it_is(standin: Path) -> None:
    assert standin.is_dir()
    assert "standin" in {site.name for site in registry.known()}


def test_an_unknown_site_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="slrum") as told:
        registry.site("slrum")
    assert told.value.nearest == ["slurm"]


def test_a_template_is_no_site() -> None:
    with pytest.raises(SiteError, match="template") as told:
        registry.site("lumi-g")
    assert "lumi-g.toml" in told.value.hint


def test_what_is_no_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_OWN", {"bad": "pathlib:Path", "gone": "nowhere:Place"})
    registry.of.cache_clear()
    for name in ("bad", "gone"):
        with pytest.raises(SiteError, match=name):
            registry.of(name)


def test_outside_of_a_job_we_are_in_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert not registry.in_job()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert registry.in_job()
