"""A job is handed in with one command and without any secret, or nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import serving
from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.serving.jobs import submission
from tests.conftest import FakeEngine
from tests.core.serving.jobs.jobs import launched, plan


def test_what_is_handed_in_holds_no_secret(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_UPSTREAM_TOKEN", "hidden")
    (standin / "hold").touch()
    folder = launched()
    script = json.loads((standin / "1.job").read_text())["script"]
    assert script.splitlines()[-1].endswith(f"aim_jupyter.core.serving {folder.path}")
    assert "hidden" not in script
    assert folder.key() not in script
    job = submission.handed_in(folder)
    assert job is not None
    assert (job.site, job.id) == ("standin", "1")
    serving.stop(folder)


def test_a_refused_job_leaves_nothing(fake: FakeEngine, standin: Path) -> None:
    fake()
    wanted = plan()
    (standin / "refuse").touch()
    with pytest.raises(SiteError, match="no such account"):
        serving.launch(wanted)
    assert list(serving.folders()) == []


@pytest.mark.parametrize(("gcd", "counted"), [(True, 4), (False, 2)])
def test_dies_are_counted_as_the_site_does(
    fake: FakeEngine, standin: Path, *, gcd: bool, counted: int
) -> None:
    fake()
    assert standin.is_dir()
    wanted = replace(plan(), gpu_model="MI250X", gpus=(0, 1, 2, 3))
    assert submission.counted(Site(gcd=gcd), wanted) == counted
    assert submission.counted(Site(), replace(wanted, gpu_model="MI300X")) == 4


def test_an_unknown_site_is_told_before_anything_is_made() -> None:
    with pytest.raises(Exception, match="nowhere"):
        registry.site("nowhere")
