"""What a Hub says that a repository has: believed only where well-formed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aim_jupyter.core.cache import offered
from tests.core.cache.test_hostile_hub import (
    HASHES,
    NAMES,
    REPO,
    SECRET,
    entries,
    fetch,
    outside,
    say,
)
from tests.hub import COMMIT, Hub


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_leads_elsewhere_is_refused_and_named(
    hub: Hub, around: Path, name: str
) -> None:
    say(hub, [*entries(hub), {"type": "file", "path": name, "size": 1, "oid": "0" * 40}])
    error = fetch(around).error
    assert "a name that leads elsewhere" in error or "is not understood" in error
    assert name == "" or ascii(name)[:100].rstrip("'") in error or "\ud800" in name
    assert outside(around) == {str(around / ".bashrc"): SECRET}


@pytest.mark.parametrize("oid", HASHES, ids=ascii)
def test_a_hash_that_is_none_is_refused_with_the_files_name(
    hub: Hub, around: Path, oid: str
) -> None:
    listed = entries(hub)
    listed[0]["oid"] = oid
    say(hub, listed)
    outcome = fetch(around)
    assert listed[0]["path"] in outcome.error
    assert not outcome.done
    assert (around / ".bashrc").read_bytes() == SECRET


@pytest.mark.parametrize("sha", ["../../x", "main", "", None, "0" * 39, "/root/x", "A" * 40])
def test_a_commit_that_is_none_is_refused(hub: Hub, around: Path, sha: str | None) -> None:
    hub.said["facts"] = (json.dumps({"id": REPO, "sha": sha}).encode(), {})
    assert "has no revision that is a commit" in fetch(around).error


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[",
        b"[" * 100_000,
        b"null",
        b"\xff",
        b'[{"type": 1}]',
        b"[" + b" " * (33 << 20),
    ],
    ids=len,
)
def test_what_is_no_list_is_one_line(hub: Hub, around: Path, text: bytes) -> None:
    say(hub, text)
    outcome = fetch(around)
    assert outcome.error
    assert len((outcome.error + outcome.hint).splitlines()) == 1


def test_a_list_without_an_end_is_given_up(
    hub: Hub, around: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offered, "_PAGES", 20)
    say(hub, [], Link=f'<{hub.url}/api/models/{REPO}/tree/{COMMIT}>; rel="next"')
    assert "has no end" in fetch(around).error


def test_nor_may_it_have_more_files_or_bytes_than_any_model(
    hub: Hub, around: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offered, "_FILES", 3)
    assert "more than any model has" in fetch(around).error


def test_a_list_does_not_go_on_elsewhere(hub: Hub, around: Path) -> None:
    for url in ("http://169.254.169.254/x", "file:///etc/passwd", "https://127.0.0.1/"):
        say(hub, entries(hub), Link=f'<{url}>; rel="next"')
        assert "goes on at" in fetch(around).error
