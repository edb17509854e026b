"""The same model from each place: the same bytes, whatever goes wrong on the way."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import cache, config
from aim_jupyter.core.cache import origins, roots
from tests.between import Between
from tests.core.cache.origins.conftest import SIZE, WEIGHTS, Fetch
from tests.core.cache.test_transfer import DOWNLOADS
from tests.hub import Fault, Hub
from tests.s3 import Store
from tests.waiting import until

PLACES = ("hub", "s3", "web", "modelscope")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, web: Hub, s3: Store) -> tuple[str, Hub | Between]:
    """Return what a model is called in a place, and what lets go wrong there what is asked for."""
    places: dict[str, tuple[str, Hub | Between]] = {
        "hub": ("Org/Model", web),
        "s3": ("s3://models/org/model", s3.before),
        "web": (f"{web.url}/folder/Org/Model", web),
        "modelscope": ("modelscope://Org/Model", web),
    }
    return places[request.param]


def check_whole(repo: str, files: dict[str, bytes]) -> None:
    """Fail unless the model is there, byte for byte."""
    located = cache.locate(repo)
    assert located.complete
    for name in ("config.json", "tokenizer.json", WEIGHTS):
        assert Path(located.path or "", name).read_bytes() == files[name]
    blobs = Path(located.folder or "", "blobs")
    assert len(list(blobs.iterdir())) == 3


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault("break"),
        Fault("break", times=5, at=0.1),
        Fault("wrong"),
        Fault("503", times=2),
        Fault("429"),
    ],
    ids=str,
)
def test_a_model_comes_whole_from_each_place(
    place: tuple[str, Hub | Between], files: dict[str, bytes], fetch: Fetch, fault: Fault | None
) -> None:
    repo, server = place
    if fault:
        server.faults[WEIGHTS] = fault
    outcome = fetch(repo)
    assert (outcome.error, outcome.done) == ("", True)
    check_whole(repo, files)


def test_only_what_is_missing_comes_again(
    place: tuple[str, Hub | Between], files: dict[str, bytes], fetch: Fetch
) -> None:
    repo, server = place
    server.faults[WEIGHTS] = Fault("break", times=99, at=0.0)
    assert not fetch(repo).done
    part = Path(
        config.model_cache_dir(),
        roots.folder_name(repo),
        "blobs",
        f"{_hash(repo, files)}.incomplete",
    )
    part.write_bytes(files[WEIGHTS][: SIZE // 3])
    server.faults.clear()
    server.served.clear()
    assert fetch(repo).done
    # The client may have it all before the server has counted it.
    until(lambda: server.served[WEIGHTS] >= SIZE - SIZE // 3)
    assert server.served[WEIGHTS] == SIZE - SIZE // 3
    check_whole(repo, files)


def _hash(repo: str, files: dict[str, bytes]) -> str:
    """Return what the weights are called that come from a place."""
    kind: Any = hashlib.md5 if repo.startswith("s3:") else hashlib.sha256
    return str(kind(files[WEIGHTS]).hexdigest())


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault("wrong", times=99), "sent other bytes than it promises for model.safetensors"),
        (Fault("break", times=99, at=0.0), "broke off"),
        (Fault("403", times=99), ""),
    ],
    ids=str,
)
def test_what_stays_wrong_is_told_and_is_no_model(
    place: tuple[str, Hub | Between],
    files: dict[str, bytes],
    fetch: Fetch,
    fault: Fault,
    found: str,
) -> None:
    repo, server = place
    server.faults[WEIGHTS] = fault
    outcome = fetch(repo)
    assert found in outcome.error
    assert outcome.error
    assert outcome.hint
    assert len((outcome.error + outcome.hint).splitlines()) == 1
    assert "the-secret-of-the-tests" not in outcome.error
    assert not cache.locate(repo).complete


def test_a_revision_is_what_lies_there(
    web: Hub, s3: Store, files: dict[str, bytes], fetch: Fetch
) -> None:
    s3.put("pinned", files, ChecksumAlgorithm="SHA256")
    repos = ["s3://models/pinned", f"{web.url}/folder/Org/Model", "modelscope://Org/Model"]
    commits = {origins.of(repo).commit(None) for repo in repos}
    # The same hashes, the same revision, wherever it lies.
    assert len(commits) == 1
    web.repos["Org/Model"] = {**files, "config.json": b"{}"}
    moved = fetch(repos[1], commits.pop())
    assert "has other files now than before" in moved.error


def test_the_offer_says_what_will_come(place: tuple[str, Hub | Between]) -> None:
    repo, _ = place
    offer = cache.obtainable(repo)
    assert SIZE < (offer.size_bytes or 0) < SIZE + 1000
    assert offer.source.name == repo
    assert (offer.commit is None) == origins.of(repo).fixed


KILLS = 50


@pytest.mark.timeout(240)
@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_fifty_kills_cost_nothing_that_has_come(
    place: tuple[str, Hub | Between], web: Hub, s3: Store, tmp_path: Path, fetch: Fetch
) -> None:
    repo, server = place
    chance = random.Random(24)
    data = chance.randbytes(48 << 20)
    web.repos["Org/Model"] |= {WEIGHTS: data}
    s3.put("org/model", {WEIGHTS: data})
    blobs = Path(config.model_cache_dir(), roots.folder_name(repo), "blobs")
    server.pause_s, had = 0.004, 0
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as downloads:
        assert downloads.stdin is not None
        assert downloads.stdout is not None
        for _ in range(KILLS):
            asked = len(server.ranges[WEIGHTS])
            print(f"{repo}||{tmp_path / 'report'}|", file=downloads.stdin, flush=True)
            child = int(downloads.stdout.readline())
            enough = had + chance.randrange(600_000)
            until(lambda: _has(blobs) > enough)  # noqa: B023 - waited for at once
            os.kill(child, signal.SIGKILL)
            assert int(downloads.stdout.readline()) == signal.SIGKILL, "it had ended before"
            assert server.ranges[WEIGHTS][asked:] == [had]
            left = _has(blobs)
            assert had <= left < len(data)
            had = left
    server.pause_s = 0
    server.served.clear()
    assert fetch(repo).done
    until(lambda: server.served[WEIGHTS] >= len(data) - had)
    assert server.served[WEIGHTS] == len(data) - had
    assert Path(cache.locate(repo).path or "", WEIGHTS).read_bytes() == data


def _has(blobs: Path) -> int:
    """Return the bytes of weights that have come."""
    return max((part.stat().st_size for part in blobs.glob("*.incomplete")), default=0)
