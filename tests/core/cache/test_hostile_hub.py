"""A Hub, a mirror or a proxy that lies: nothing is written beside the cache."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aim_jupyter.core import cache, config
from aim_jupyter.core.cache import fetching
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.errors import AimError
from tests.hub import COMMIT, Hub, etag

REPO = "Org/Model"
SECRET = b"what was there before\n"
#: What a name, a hash or a size may be that is none.
NAMES = [
    *(
        "../x",
        "/etc/x",
        "a/../../x",
        "a//x",
        "./x",
        "a/./x",
        "..",
        ".",
        "",
        "C:/x",
        "c:\\x",
        "a\\b",
    ),
    *("a\0b", "a\nb", "\x1b[2Jx", "\u202egnp.x", "x" * 300, "a/" * 40 + "x", "\ud800", "a/"),
]
HASHES = [
    *("", "x", "../../../.bashrc", "/root/.bashrc", "0" * 39, "0" * 41, "0" * 63, "0" * 65),
    *("G" * 40, "A" * 40, "0" * 40 + "\n", '"' + "0" * 40 + '"', "..", "0" * 40 + "/../x"),
]
SIZES = [-1, 1 << 47, 1 << 70, 1.5, "1", None, True]


def entries(hub: Hub) -> list[dict[str, Any]]:
    """Return an honest list."""
    return [
        {"type": "file", "path": name, "size": len(data), "oid": etag(data)}
        for name, data in hub.repos[REPO].items()
    ]


def say(hub: Hub, listed: Any, **headers: str) -> None:
    """Let the Hub say that as its list."""
    text = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
    hub.said["tree"] = (text, headers)


def fetch(folder: Path) -> Outcome:
    """Run the download here; return what it said last."""
    fetching.main(REPO, "", str(folder / "download.json"))
    return msgspec.json.decode((folder / "download.json").read_bytes(), type=Outcome)


def outside(around: Path) -> dict[str, bytes]:
    """Return all files beside the cache."""
    return {
        str(path): path.read_bytes()
        for path in around.parent.rglob("*")
        if path.is_file()
        and not path.is_relative_to(config.model_cache_dir())
        and path.name != "download.json"
    }


def lies(entry: dict[str, Any], dice: random.Random) -> list[dict[str, Any]]:
    """Return what an entry could say instead, each with one lie in it."""
    gone = dice.choice(sorted(entry))
    return [
        {**entry, "path": dice.choice(NAMES)},
        {**entry, "oid": dice.choice(HASHES)},
        {**entry, "size": dice.choice(SIZES)},
        {**entry, "lfs": {"oid": dice.choice(HASHES), "size": dice.choice([*SIZES, 10])}},
        {name: value for name, value in entry.items() if name != gone},
        {**entry, "oid": f"{dice.getrandbits(160):040x}"},
        {**entry, "path": f"{entry.get('path')}/{dice.choice(NAMES)}"},
        {**entry, dice.choice(["type", "path", "oid"]): dice.choice([None, 1, [], {}, "x"])},
    ]


def mutated(listed: list[dict[str, Any]], dice: random.Random) -> list[dict[str, Any]]:
    """Return a list with some lies in it, in the place of what is true or beside it."""
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(listed))
        lie = dice.choice([*lies(listed[at], dice), dict(listed[at])])
        if dice.random() < 1 / 4:
            listed.append(lie)
        else:
            listed[at] = lie
    return listed


@pytest.mark.parametrize("rounds", [100, 1000])
def test_mutated_lists_write_nothing_beside_the_cache(hub: Hub, around: Path, rounds: int) -> None:
    before, dice, done = outside(around), random.Random(rounds), 0
    for _ in range(rounds):
        say(hub, mutated(entries(hub), dice))
        outcome = fetch(around)
        assert outcome.done or (outcome.error and outcome.hint)
        assert (outcome.error + outcome.hint).isprintable()
        done += outcome.done
        assert outside(around) == before
        for blob in config.model_cache_dir().rglob("blobs/*"):
            assert blob.name.endswith(".incomplete") or etag(blob.read_bytes()) == blob.name
    # Lies about what nobody needs, such as a wrong hash of a README, stop nobody.
    assert 0 < done < rounds / 2
    hub.said.clear()
    assert fetch(around).done
    assert cache.locate(REPO).complete


def test_a_config_is_held_to_the_same(hub: Hub, around: Path) -> None:
    listed = entries(hub)
    for entry in listed:
        entry["oid"] = f"/{around}/.bashrc"
    say(hub, listed)
    with pytest.raises(AimError, match="refused"):
        cache.fetch_config(REPO)
    assert (around / ".bashrc").read_bytes() == SECRET


def links(around: Path, hub: Hub) -> Iterator[tuple[Path, Path]]:
    """Yield where a link could lie in the cache, and what it leads to."""
    root = config.model_cache_dir()
    repo = root / "models--Org--Model"
    name, data = next(iter(hub.repos[REPO].items()))
    target, folder = around / ".bashrc", around / "elsewhere"
    yield repo, folder
    yield repo / "blobs", folder
    yield repo / "snapshots", folder
    yield repo / "refs", folder
    yield root / ".locks", folder
    yield repo / "blobs" / f"{etag(data)}.incomplete", target
    yield repo / "blobs" / etag(data), target
    yield root / ".locks" / repo.name / f"{etag(data)}.lock", target
    yield repo / "snapshots" / COMMIT / name, target
    yield repo / "refs" / "main", target


@pytest.mark.parametrize("which", range(10))
def test_no_link_is_followed(hub: Hub, around: Path, which: int) -> None:
    (around / "elsewhere").mkdir()
    link, target = list(links(around, hub))[which]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    outcome = fetch(around)
    assert (around / ".bashrc").read_bytes() == SECRET
    assert not list((around / "elsewhere").iterdir())
    assert outcome.done or "a link or a folder is in its place" in outcome.error


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_what_is_no_file_holds_nobody_up(hub: Hub, around: Path, make: Any) -> None:
    blob = config.model_cache_dir() / "models--Org--Model/blobs"
    blob.mkdir(parents=True)
    make(blob / etag(hub.repos[REPO]["config.json"]))
    assert "a link or a folder is in its place" in fetch(around).error
