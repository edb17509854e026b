"""From the Hub to the cache, and what a user reads when that fails."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core import api, cache, config, serving
from aim_jupyter.core.cache import fetching
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.needs import wanted
from aim_jupyter.core.errors import AimError, ModelMissing, StartFailed
from aim_jupyter.core.planning import resolving
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.hub import COMMIT, Hub, model_files
from tests.waiting import launch_ready, until

REPO = "Org/Model"
PROGRAM = [sys.executable, "-m", "aim_jupyter"]


def fetch(report: Path, repo: str = REPO, revision: str = "") -> Outcome:
    """Run the download here; return what its supervisor would read."""
    fetching.main(repo, revision, str(report))
    return msgspec.json.decode(report.read_bytes(), type=Outcome)


def downloads(folder: serving.ServerFolder) -> list[int]:
    """Return the processes that download for a server."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if b"cache.fetching" in words and bytes(folder.path) in words:
                found.append(int(entry.name))
    return found


def failed(folder: serving.ServerFolder) -> ServerRecord:
    until(lambda: folder.read().state == "failed")
    return folder.read()


def test_a_model_that_is_not_cached_is_downloaded_and_served(hub: Hub, fake: FakeEngine) -> None:
    fake()
    hub.repos[REPO] = model_files()
    folder = launch_ready(Request(model=REPO))
    record = folder.read()
    assert [stage.stage for stage in record.stages] == ["download", "boot", "load", "ready"]
    assert record.stages[0].took_s is not None
    assert record.stages[0].detail == "0.3 of 0.3 MiB"
    assert record.plan.download == REPO
    located = cache.locate(REPO)
    assert located.complete
    assert located.revision == COMMIT
    (listed,) = api.models_on_disk()
    assert (listed.state, listed.in_use_by) == ("complete", folder.name)

    # Now that it is on disk, nobody is asked any more, and no download is a part of the start.
    serving.stop(folder)
    hub.shutdown()
    again = launch_ready(Request(model=REPO)).read()
    assert [stage.stage for stage in again.stages] == ["boot", "load", "ready"]
    assert again.plan.argv == record.plan.argv


def test_the_engine_may_not_ask_the_hub_itself(hub: Hub, fake: FakeEngine) -> None:
    fake()
    hub.repos[REPO] = model_files()
    plan = api.plan(Request(model=REPO))
    assert plan.env["HF_HUB_OFFLINE"] == "1"
    assert plan.env["HF_HUB_CACHE"] == str(config.model_cache_dir())


def test_only_what_an_engine_needs_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    hub.repos[REPO] = model_files()
    outcome = fetch(tmp_path / "report")
    assert outcome.error == ""
    assert outcome.total_bytes == sum(
        len(data) for name, data in hub.repos[REPO].items() if wanted(name)
    )
    assert not any("consolidated" in asked or "README" in asked for asked in hub.asked)


def test_a_download_that_fails_ends_the_server_with_the_reason(hub: Hub, fake: FakeEngine) -> None:
    fake()
    hub.repos[REPO] = model_files()
    resolving.model(REPO)  # its config is in the cache from here on
    hub.trouble["files", REPO] = (403, "GatedRepo")
    folder = api.launch(Request(model=REPO))
    record = failed(folder)
    assert record.reason == f"{REPO} is gated: this account has no access to it."
    assert record.engine is None
    with pytest.raises(StartFailed, match="is gated"):
        list(api.wait(folder.name))


def test_a_repository_without_weights_for_us_is_told(hub: Hub, fake: FakeEngine) -> None:
    fake()
    files = model_files()
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    hub.repos[REPO] = files
    record = failed(api.launch(Request(model=REPO)))
    assert record.reason == "Org/Model has no model.safetensors."
    assert not any("pytorch_model.bin" in asked for asked in hub.asked)


def test_a_stop_ends_a_download(hub: Hub, fake: FakeEngine) -> None:
    fake()
    hub.repos[REPO] = model_files()
    resolving.model(REPO)
    hub.hold = True
    folder = api.launch(Request(model=REPO))
    until(lambda: any("safetensors" in asked for asked in hub.asked))
    assert downloads(folder) != []
    assert serving.stop(folder).state == "stopped"
    assert downloads(folder) == []


def test_a_command_tells_it_in_two_lines(hub: Hub, fake: FakeEngine) -> None:
    fake()
    hub.repos[REPO] = model_files()
    hub.trouble["api", REPO] = (403, "GatedRepo")
    done = subprocess.run(
        [*PROGRAM, "launch", REPO], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    found, hint = done.stderr.splitlines()[-2:]
    assert found == f"ModelMissing: {REPO} is gated: this account has no access to it."
    assert hint.startswith("To do: ask for access")


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"{"])
def test_a_config_that_is_no_object_is_told(hub: Hub, content: bytes) -> None:
    hub.repos[REPO] = {**model_files(), "config.json": content}
    with pytest.raises(ModelMissing, match=r"no config\.json that can be read"):
        resolving.model(REPO)


def test_a_cache_that_cannot_be_written_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos[REPO] = model_files()
    monkeypatch.setenv("AIM_CACHE_DIR", "/proc/nowhere")
    with pytest.raises(AimError, match="/proc/nowhere") as caught:
        resolving.model(REPO)
    assert "AIM_CACHE_DIR" in caught.value.hint
