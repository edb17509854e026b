"""The script holds what a site wants, one command, and no secret."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core.places import site as sites
from aim_jupyter.core.places.place import Order
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.places.slurm import script

ORDER = Order(
    name="demo",
    command=("python", "-m", "it", "/a folder/x"),
    folder=Path("/state/demo"),
    partition="gpu",
    gpus=2,
    lifetime_s=4 * 3600,
    env={"AIM_STATE_DIR": "/it's"},
)


def words(site: Site, order: Order = ORDER) -> set[str]:
    return set(script.options(site, order))


def test_a_bare_site_asks_for_gpus_time_and_a_signal() -> None:
    assert words(Site()) >= {
        *("--job-name=aim-demo", "--partition=gpu", "--gres=gpu:2", "--time=240"),
        *("--signal=B:TERM@300", "--output=/state/demo/job.log", "--no-requeue"),
    }


def test_a_short_job_is_told_no_earlier_than_its_last_quarter() -> None:
    order = msgspec.structs.replace(ORDER, lifetime_s=120.0)
    assert "--signal=B:TERM@30" in words(Site(), order)


def test_without_gpus_none_are_asked_for() -> None:
    order = msgspec.structs.replace(ORDER, gpus=0)
    assert not any("gres" in word for word in words(Site(cpus_per_gpu=7), order))


def test_lumi_gets_the_flags_of_its_own_guide() -> None:
    site = sites.read("lumi-g", sites.templates()["lumi-g"])
    said = words(msgspec.structs.replace(site, account="project_1"))
    assert said >= {"--gpus-per-node=2", "--cpus-per-task=14", "--mem=120G", "--account=project_1"}
    text = script.text(site, ORDER)
    assert "MIOPEN_USER_DB_PATH" in text
    assert text.rstrip().splitlines()[-1].startswith("exec ")


def test_a_shell_reads_what_was_meant(tmp_path: Path) -> None:
    site = Site(env={"CACHE": "$PLACE/a b;c"}, wrap=("env", "WRAPPED=${PLACE}x"))
    order = msgspec.structs.replace(
        ORDER, command=("sh", "-c", 'echo "$CACHE $AIM_STATE_DIR $WRAPPED"')
    )
    done = subprocess.run(
        ["sh", "-s"],
        input=script.text(site, order),
        env={"PLACE": "/scratch", "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "/scratch/a b;c /it's /scratchx\n"


@pytest.mark.parametrize("gres", ["gpu", "gpu:mi250"])
def test_gpus_per_node_takes_the_kind(gres: str) -> None:
    site = Site(request="gpus-per-node", gres=gres)
    wanted = "--gpus-per-node=2" if gres == "gpu" else "--gpus-per-node=mi250:2"
    assert wanted in words(site)
