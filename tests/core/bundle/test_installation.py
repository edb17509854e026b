"""A bundle on another machine: without network, and whatever became of it on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import api, cache, config, engines
from aim_jupyter.core.errors import AimError, InstallFailed, ModelMissing
from tests.core.bundle.conftest import Move
from tests.core.cache.test_packages import REPO as PACKED
from tests.core.cache.test_packages import fetch as fetch_packed
from tests.core.cache.test_packages import index  # noqa: F401 - a fixture
from tests.hub import COMMIT, model_files

PROGRAM = f"{sys.executable} -m aim_jupyter"


@pytest.fixture
def bundle(there: str, tmp_path: Path, elsewhere: Move) -> Path:
    """Return a bundle with a model, on another machine."""
    api.create_bundle([there], tmp_path / "bundle")
    elsewhere()
    return tmp_path / "bundle"


def change(bundle: Path, edit: dict[str, Any]) -> None:
    """Change what a bundle says of itself, or of its model, and the hash of that."""
    said = json.loads((bundle / "bundle.json").read_bytes())
    (said["models"][0] if said["models"] else said).update(edit)
    (bundle / "bundle.json").write_text(json.dumps(said))
    sums = (bundle / "SHA256SUMS").read_text().splitlines()
    kept = [line for line in sums if not line.endswith("bundle.json")]
    digest = subprocess.run(
        ["sha256sum", "bundle.json"], cwd=bundle, capture_output=True, text=True, check=True
    ).stdout
    (bundle / "SHA256SUMS").write_text("\n".join(kept) + "\n" + digest)


def test_a_model_is_there_as_if_it_had_been_downloaded(bundle: Path, there: str) -> None:
    assert not cache.locate(there).complete
    assert api.install_bundle(bundle) == [f"aim-engine launch {there}"]
    located = cache.locate(there)
    assert (located.complete, located.revision) == (True, COMMIT)
    (listed,) = api.models_on_disk()
    assert (listed.state, listed.verified) == ("complete", True)
    assert api.can_start(there).can_start
    # A second time there is nothing to do, and nothing of it is read.
    shutil.rmtree(bundle / "models")
    api.install_bundle(bundle)


def test_what_has_been_changed_is_no_model(bundle: Path, there: str) -> None:
    weights = bundle / "models/0/model.safetensors"
    weights.write_bytes(bytes(weights.stat().st_size))
    with pytest.raises(ModelMissing, match=r"model\.safetensors of Org/Model is not what it was"):
        api.install_bundle(bundle)
    assert not cache.locate(there).complete


@pytest.mark.parametrize(
    "edit",
    [
        {"hashes": {"../../escaped": "0" * 64}},
        {"hashes": {"config.json": "../../escaped"}},
        {"folder": "../.."},
        {"folder": "/etc"},
        {"commit": "../../escaped"},
        {"repo": "../../escaped", "commit": ""},
        {"repo": "../../escaped"},
        {"commit": "", "folder": "models/0/.."},
    ],
    ids=str,
)
def test_a_bundle_that_lies_writes_nothing_beside_the_cache(
    bundle: Path, tmp_path: Path, edit: dict[str, Any]
) -> None:
    change(bundle, edit)
    with pytest.raises(AimError):
        api.install_bundle(bundle)
    assert not list(tmp_path.rglob("escaped*"))


def test_a_model_of_a_package_stays_what_it_is(
    index: Path,  # noqa: F811
    tmp_path: Path,
    elsewhere: Move,
) -> None:
    assert fetch_packed(tmp_path).done
    api.create_bundle([PACKED], tmp_path / "bundle")
    elsewhere()
    api.install_bundle(tmp_path / "bundle")
    located = cache.locate(PACKED)
    assert located.complete
    assert cache.source_of(PACKED, Path(str(located.path))).note == "from a test"
    assert Path(str(located.path), "config.json").read_bytes() == model_files()["config.json"]


def test_an_engine_runs_where_it_was_carried(engine: str, tmp_path: Path, elsewhere: Move) -> None:
    api.create_bundle(["demo"], tmp_path / "bundle", engine=True)
    elsewhere()
    api.install_bundle(tmp_path / "bundle")
    found = engines.choose(engine)
    assert (found.usable, found.version) == (True, "0.32.0")
    folder = config.engines_dir() / engine
    assert folder.is_symlink()
    said = subprocess.run([folder / "bin/tool"], capture_output=True, text=True, check=True)
    assert said.stdout == "it runs\n"


def test_an_engine_of_another_python_is_told(engine: str, tmp_path: Path, elsewhere: Move) -> None:
    api.create_bundle(["demo"], tmp_path / "bundle", engine=True)
    elsewhere()
    said = json.loads((tmp_path / "bundle/bundle.json").read_bytes())
    change(tmp_path / "bundle", {"engine": {**said["engine"], "python": "3.99"}})
    with pytest.raises(InstallFailed, match=r"needs Python 3\.99"):
        api.install_bundle(tmp_path / "bundle")
    assert engines.find()[0].name != engine


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"),
    reason="a network without routes is made by root, with unshare and ip",
)
def test_it_answers_a_chat_in_a_network_without_routes(
    engine: str, there: str, tmp_path: Path, elsewhere: Move
) -> None:
    api.create_bundle([there], tmp_path / "bundle", engine=True)
    elsewhere()
    script = f"""
        set -e
        trap '{PROGRAM} stop closed' EXIT
        ip link set lo up
        test -z "$(ip route)"
        {PROGRAM} bundle verify {tmp_path / "bundle"}
        {PROGRAM} bundle install {tmp_path / "bundle"}
        {PROGRAM} launch {there} --name closed
        {PROGRAM} wait closed
        {PROGRAM} chat closed --say 'Say something.'
    """
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ready" in done.stdout
