"""From the Hub to the cache, and what a user reads when that fails."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from huggingface_hub import errors as hub_errors

from aim_jupyter.core import api, cache, config, serving
from aim_jupyter.core.cache import fetching
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.needs import wanted
from aim_jupyter.core.cache.reaching import refusal
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, StartFailed, UnknownName
from aim_jupyter.core.planning import Request, resolving
from aim_jupyter.core.records import ServerRecord
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


def test_a_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.repos[REPO] = model_files()
    fetch(tmp_path / "report")
    hub.asked.clear()
    assert cache.locate(REPO).complete
    snapshot = Path(cache.locate(REPO).path or "")
    (snapshot / "model.safetensors").resolve().unlink()
    assert cache.locate(REPO).missing == ("model.safetensors",)
    fetch(tmp_path / "report")
    assert cache.locate(REPO).complete
    assert [asked for asked in hub.asked if asked.startswith("GET Org")] == [
        f"GET {REPO}/resolve/{COMMIT}/model.safetensors"
    ]


@pytest.mark.parametrize(
    ("name", "is_wanted"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("tokenizer.json", True),
        ("tokenizer.model", True),
        ("modeling_own.py", True),
        ("chat_template.jinja", True),
        ("pytorch_model.bin", False),
        ("original/consolidated.00.pth", False),
        ("onnx/model.json", False),
        ("unet/model.safetensors", False),
        ("README.md", False),
    ],
)
def test_what_an_engine_needs(name: str, *, is_wanted: bool) -> None:
    assert wanted(name) is is_wanted


TROUBLES = [
    (("api", 404, "RepoNotFound"), UnknownName, "needs HF_TOKEN", "%aim recipes"),
    (("api", 401, "GatedRepo"), ModelMissing, "is gated", "ask for access"),
    (("api", 403, "GatedRepo"), ModelMissing, "is gated", "ask for access"),
    (("api", 500, ""), ModelMissing, "the Hub answered 500", f"%aim launch {REPO}"),
    (("api", 429, ""), ModelMissing, "the Hub answered 429", f"%aim launch {REPO}"),
    (("api", 0, ""), Offline, "the Hub can't be reached", "connect to the network"),
    (("files", 401, "GatedRepo"), ModelMissing, "is gated", "ask for access"),
    (("files", 403, "GatedRepo"), ModelMissing, "is gated", "ask for access"),
    (("files", 404, "EntryNotFound"), ModelMissing, "has no config.json", "Transformers format"),
    (("files", 404, "RepoNotFound"), UnknownName, "needs HF_TOKEN", "%aim recipes"),
]


@pytest.mark.parametrize(("trouble", "kind", "found", "hint"), TROUBLES)
def test_what_the_hub_refuses_is_told_before_anything_is_started(
    hub: Hub, trouble: tuple[str, int, str], kind: type[AimError], found: str, hint: str
) -> None:
    hub.repos[REPO] = model_files()
    what, status, code = trouble
    hub.trouble[what, REPO] = (status, code)
    with pytest.raises(AimError, match=found) as caught:
        resolving.model(REPO)
    assert type(caught.value) is kind
    assert REPO in caught.value.found
    assert hint in caught.value.hint


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `huggingface_hub`, which waits 23 s in all before it gives up, try again at once."""
    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    for module in ("utils._http", "utils._xet", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", at_once, raising=False)
    monkeypatch.setattr("aim_jupyter.core.cache.transfer._PAUSE_S", 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("trouble", "found", "hint"),
    [
        ((403, "GatedRepo"), "is gated", "ask for access"),
        ((401, "GatedRepo"), "is gated", "ask for access"),
        ((404, "RepoNotFound"), "needs HF_TOKEN", "%aim recipes"),
        ((500, ""), "the Hub answered 500", f"%aim launch {REPO}"),
        ((0, ""), "the connection to the Hub broke", f"%aim cache prefetch {REPO}"),
    ],
)
def test_a_download_that_fails_says_why(
    hub: Hub, tmp_path: Path, trouble: tuple[int, str], found: str, hint: str
) -> None:
    hub.repos[REPO] = model_files()
    hub.trouble["files", REPO] = trouble
    outcome = fetch(tmp_path / "report")
    assert found in outcome.error
    assert hint in outcome.hint
    assert len((outcome.error + outcome.hint).splitlines()) == 1


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


@pytest.mark.parametrize(
    "repo", ["a/b/c", "Org/", "Org/Mo del", "x/" + "y" * 120, "Org/..", "a/\0"]
)
def test_a_name_that_no_repository_can_have_is_unknown(hub: Hub, repo: str) -> None:
    with pytest.raises(UnknownName, match="There is no model"):
        resolving.model(repo)
    assert hub.asked == []


def test_a_revision_that_is_not_there_is_told(hub: Hub) -> None:
    hub.repos[REPO] = model_files()
    with pytest.raises(ModelMissing, match="no revision 'v9'"):
        cache.check_reachable(REPO, "v9")


def test_the_hub_is_not_asked_where_that_is_forbidden(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Offline, match="HF_HUB_OFFLINE forbids"):
        resolving.model(REPO)
    # The library reads the variable once: unset, it may still forbid.
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Offline, match="HF_HUB_OFFLINE forbids") as caught:
        resolving.model(REPO)
    assert "restart the kernel" in caught.value.hint
    assert hub.asked == []


def test_a_variable_that_is_unset_again_forbids_no_longer(hub: Hub) -> None:
    hub.repos[REPO] = model_files()
    code = (
        "import os\n"
        "from aim_jupyter.core import errors\nfrom aim_jupyter.core.planning import resolving\n"
        "os.environ['HF_HUB_OFFLINE'] = '1'\n"
        "try: resolving.model('Org/Model')\n"
        "except errors.Offline: del os.environ['HF_HUB_OFFLINE']\n"
        "print(resolving.model('Org/Model').name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == REPO


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


def test_a_defect_is_no_expected_failure() -> None:
    assert refusal(KeyError("x"), REPO) is None
    assert refusal(hub_errors.HFValidationError("x"), REPO) is not None


def test_an_error_without_words_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(fetching, "fetch", fail)
    assert fetch(tmp_path / "report").error == f"The download of {REPO} failed: RuntimeError."
    assert json.loads((tmp_path / "report").read_bytes())["hint"]
