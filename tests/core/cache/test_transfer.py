"""What goes wrong between the Hub and the disk, and what is left of it then."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from aim_jupyter.core import api, cache, config
from aim_jupyter.core.cache import fetching, index
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.errors import AimError, StateUnusable, UnknownName
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.hub import COMMIT, Fault, Hub, etag, model_files
from tests.waiting import until

REPO = "Org/Model"
WEIGHTS = "model.safetensors"
SIZE = 6 << 20


@pytest.fixture
def repo(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Give the Hub a model of some megabytes, and `huggingface_hub` no patience."""
    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    for module in ("utils._http", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", at_once, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 60.0)
    monkeypatch.setattr("aim_jupyter.core.cache.transfer._PAUSE_S", 0)
    files = {**model_files(), WEIGHTS: random.Random(7).randbytes(SIZE)}
    hub.repos[REPO] = files
    return files


def fetch(folder: Path) -> Outcome:
    """Run the download here; return what it said last."""
    fetching.main(REPO, "", str(folder / "download.json"))
    return msgspec.json.decode((folder / "download.json").read_bytes(), type=Outcome)


def fetch_with(fault: Fault, hub: Hub, folder: Path) -> Outcome:
    """Run the download while that goes wrong: what stalls is given up soon, and nothing else is."""
    hub.faults[WEIGHTS] = fault
    with pytest.MonkeyPatch.context() as patch:
        if fault.kind == "stall":
            patch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 1.0)
        return fetch(folder)


def blobs() -> Path:
    return config.model_cache_dir() / "models--Org--Model" / "blobs"


def check_whole(files: dict[str, bytes]) -> None:
    """Fail unless the model is there, byte for byte, and nothing half-done beside it."""
    located = cache.locate(REPO)
    assert located.complete
    for name in ("config.json", "tokenizer.json", WEIGHTS):
        assert Path(located.path or "", name).read_bytes() == files[name]
    assert {blob.name for blob in blobs().iterdir()} == {
        etag(files[name]) for name in ("config.json", "tokenizer.json", WEIGHTS)
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault("break"),
        Fault("break", times=5, at=0.1),
        Fault("short", times=2),
        Fault("stall"),
        Fault("wrong"),
        Fault("wrong", at=0.0),
        Fault("500"),
        Fault("503", times=3),
        Fault("429", times=2),
    ],
)
def test_what_passes_ends_in_a_whole_model(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, fault: Fault
) -> None:
    outcome = fetch_with(fault, hub, tmp_path)
    assert (outcome.error, outcome.done) == ("", True)
    check_whole(repo)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault("break", times=99, at=0.0), "the connection to the Hub broke"),
        (Fault("short", times=99, at=0.0), "sends less of model.safetensors"),
        (Fault("stall", times=99, at=0.0), "the connection to the Hub broke"),
        (Fault("wrong", times=99), "sent other bytes than it promises for model.safetensors"),
        (Fault("500", times=99), "the Hub answered 500"),
        (Fault("403", times=99), "the Hub answered 403"),
        (Fault("404", times=99), "the Hub answered 404"),
    ],
)
def test_what_stays_is_told_and_is_no_model(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, fault: Fault, found: str
) -> None:
    outcome = fetch_with(fault, hub, tmp_path)
    assert found in outcome.error
    assert outcome.hint
    assert len((outcome.error + outcome.hint).splitlines()) == 1
    assert not cache.locate(REPO).complete
    assert not (blobs() / etag(repo[WEIGHTS])).exists()
    # And when it is over, it goes on.
    hub.faults.clear()
    assert fetch(tmp_path).done
    check_whole(repo)


def test_only_what_is_missing_comes_again(hub: Hub, repo: dict[str, bytes], tmp_path: Path) -> None:
    blobs().mkdir(parents=True)
    (blobs() / f"{etag(repo[WEIGHTS])}.incomplete").write_bytes(repo[WEIGHTS][: SIZE // 3])
    assert fetch(tmp_path).done
    assert hub.served[WEIGHTS] == SIZE - SIZE // 3
    check_whole(repo)


@pytest.mark.parametrize("left", [b"something else", bytes(SIZE + 1), bytes(SIZE)])
def test_a_wrong_beginning_is_thrown_away(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, left: bytes
) -> None:
    blobs().mkdir(parents=True)
    (blobs() / f"{etag(repo[WEIGHTS])}.incomplete").write_bytes(left)
    assert fetch(tmp_path).done
    check_whole(repo)


def test_a_wrong_blob_of_before_is_replaced(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path
) -> None:
    assert fetch(tmp_path).done
    blob = blobs() / etag(repo[WEIGHTS])
    blob.write_bytes(bytes(SIZE))
    assert fetch(tmp_path).done
    check_whole(repo)


def test_verified_files_are_not_read_again(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(tmp_path).done
    hub.served.clear()
    monkeypatch.setattr(fetching, "is_there", lambda *_: pytest.fail("it was read"))
    assert fetch(tmp_path).done
    assert hub.served == {}


def test_a_full_disk_is_told_before_a_byte_comes(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    outcome = fetch(tmp_path)
    assert outcome.kind == "StateUnusable"
    assert "needs 0.0 GiB more" in outcome.error
    assert "%aim cache evict --free 0.1GiB" in outcome.hint
    assert hub.served[WEIGHTS] == 0


def test_wrong_bytes_never_reach_a_launch(
    hub: Hub, repo: dict[str, bytes], fake: FakeEngine
) -> None:
    fake()
    hub.faults[WEIGHTS] = Fault("wrong", times=99)
    folder = api.launch(Request(model=REPO))
    until(lambda: folder.read().state == "failed")
    record = folder.read()
    assert "other bytes than it promises" in record.reason
    assert [stage.stage for stage in record.stages] == ["download"]
    assert record.engine is None


def test_a_damaged_model_is_downloaded_again_by_a_launch(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, fake: FakeEngine
) -> None:
    fake()
    assert fetch(tmp_path).done
    (blobs() / etag(repo[WEIGHTS])).write_bytes(bytes(SIZE))
    (found,) = api.verify([REPO])
    assert (found.state, found.verified) == ("incomplete", False)
    assert found.reason == f"damaged: {WEIGHTS}"
    assert not api.can_start(REPO).can_start
    assert api.plan(Request(model=REPO)).download == REPO
    list(api.prefetch([REPO]))
    check_whole(repo)
    assert api.can_start(REPO).damaged == ()
    assert api.models_on_disk()[0].verified is True


def test_what_was_written_into_since_is_not_verified(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path
) -> None:
    assert fetch(tmp_path).done
    assert api.models_on_disk()[0].verified is True
    time.sleep(0.02)
    (blobs() / etag(repo[WEIGHTS])).write_bytes(bytes(SIZE))
    assert api.models_on_disk()[0].verified is None


def test_a_new_revision_counts_only_when_it_is_whole(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path
) -> None:
    old = blobs().parent / "snapshots" / ("a" * 40)
    old.mkdir(parents=True)
    (blobs().parent / "refs").mkdir()
    (blobs().parent / "refs" / "main").write_text("a" * 40)
    hub.faults[WEIGHTS] = Fault("404", times=99)
    assert fetch(tmp_path).error
    assert cache.locate(REPO).revision == "a" * 40
    hub.faults.clear()
    assert fetch(tmp_path).done
    assert cache.locate(REPO).revision == COMMIT


def test_prefetch_shows_bytes_rate_and_files(hub: Hub, repo: dict[str, bytes]) -> None:
    hub.pause_s = 0.02
    seen = list(api.prefetch([REPO]))
    shares = [one.progress.share for one in seen if one.progress and one.progress.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any(one.progress and one.progress.rate for one in seen)
    last = seen[-1]
    assert last.progress is not None
    assert last.progress.total_bytes == sum(file.size_bytes for file in last.progress.files)
    assert last.progress.files[0].name == WEIGHTS
    assert [one.model for one in last.done] == [REPO]


def test_an_interrupted_prefetch_ends_and_goes_on(hub: Hub, repo: dict[str, bytes]) -> None:
    hub.hold = True
    running = api.prefetch([REPO])
    for one in running:
        if one.progress and one.progress.done_bytes > 1 << 20:
            break
    running.close()
    (part,) = blobs().glob("*.incomplete")
    had = part.stat().st_size
    hub.hold = False
    hub.served.clear()
    list(api.prefetch([REPO]))
    check_whole(repo)
    assert hub.served[WEIGHTS] <= SIZE - had + (1 << 18)


def test_a_shared_cache_that_has_it_is_enough(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(tmp_path).done
    config.model_cache_dir().rename(tmp_path / "shared")
    monkeypatch.setenv("AIM_SHARED_CACHE_DIR", str(tmp_path / "shared"))
    before = sorted(str(path) for path in (tmp_path / "shared").rglob("*"))
    hub.asked.clear()
    list(api.prefetch([REPO]))
    assert hub.asked == []
    assert not config.model_cache_dir().exists()
    found = api.can_start(REPO)
    assert (found.missing, found.shared) == ((), True)
    assert sorted(str(path) for path in (tmp_path / "shared").rglob("*")) == before


@pytest.mark.parametrize(
    ("models", "kind"),
    [(["nobody"], AimError), (["/tmp"], AimError), (["Org/Nothing"], UnknownName)],
)
def test_a_prefetch_of_nothing_is_told(hub: Hub, models: list[str], kind: type[AimError]) -> None:
    with pytest.raises(kind):
        list(api.prefetch(models))


def test_a_cache_that_can_not_be_written_is_told(
    hub: Hub, repo: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_CACHE_DIR", "/proc/nowhere")
    with pytest.raises(StateUnusable, match="/proc/nowhere"):
        list(api.prefetch([REPO]))


KILLS = 50
#: Has imported the download once, and forks one for each line: a start would take most of the time.
DOWNLOADS = """
import os, sys
from huggingface_hub import HfApi, file_download, hf_api
from aim_jupyter.core.cache import fetching
for line in sys.stdin:
    child = os.fork()
    if not child:
        os._exit(fetching.main(*line.split("|")[:3]))
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.timeout(360)
def test_a_kill_at_any_byte_costs_nothing_that_has_come(
    hub: Hub, repo: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("AIM_TEST_SEED", random.randrange(1 << 30)))
    print(f"AIM_TEST_SEED={seed} repeats this run")  # noqa: T201 - pytest shows it on a failure
    chance = random.Random(seed)
    data = chance.randbytes(128 << 20)
    hub.repos[REPO] = {**repo, WEIGHTS: data}
    part = blobs() / f"{etag(data)}.incomplete"
    hub.pause_s = 0.004
    had = 0
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as downloads:
        assert downloads.stdin is not None
        assert downloads.stdout is not None
        for number in range(KILLS):
            asked = len(hub.ranges[WEIGHTS])
            print(f"{REPO}||{tmp_path / 'report'}|", file=downloads.stdin, flush=True)
            child = int(downloads.stdout.readline())
            if chance.random() < 0.2:
                # At any moment: while it asks, or reads what is there.
                time.sleep(chance.uniform(0, 0.3))
            else:
                _wait_for(part, had + chance.randrange(1 << 20))
            os.kill(child, signal.SIGKILL)
            assert int(downloads.stdout.readline()) == signal.SIGKILL, "it had ended before"
            left = _size(part)
            assert left < len(data), "it was whole before it was killed"
            assert left >= had, f"round {number}: {had - left} bytes were lost"
            # Nothing that was on disk was asked for again.
            assert hub.ranges[WEIGHTS][asked:] in ([], [had]), f"round {number}: had {had}"
            assert not left or part.read_bytes() == data[:left]
            had = left
    hub.pause_s = 0
    hub.served.clear()
    assert fetch(tmp_path).error == ""
    assert hub.served[WEIGHTS] == len(data) - had
    check_whole(hub.repos[REPO])
    assert hashlib.sha256((blobs() / etag(data)).read_bytes()).hexdigest() == etag(data)


def _wait_for(part: Path, size: int) -> None:
    """Wait until more than so much is there."""
    end = time.monotonic() + 60
    while _size(part) <= size:
        assert time.monotonic() < end, "it stands still"
        time.sleep(0.001)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def test_notes_survive_a_broken_index(hub: Hub, repo: dict[str, bytes], tmp_path: Path) -> None:
    assert fetch(tmp_path).done
    (config.model_cache_dir() / index.NAME).write_text("{ cut")
    assert fetch(tmp_path).done
    assert api.models_on_disk()[0].verified is True
    assert len(list(config.model_cache_dir().glob("cache_index.json.broken-*"))) == 1
