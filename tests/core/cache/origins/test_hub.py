"""The Hub's mirrors: asked in their order, never with the user's token, held to the same hashes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aim_jupyter.core import cache
from aim_jupyter.core.cache import offered
from tests.core.cache.origins.conftest import WEIGHTS, Fetch
from tests.hub import Fault, Hub, running_hub

REPO = "Org/Model"


@pytest.fixture
def mirror(web: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a mirror that has the same as the Hub, named behind one that nobody answers at."""
    with running_hub() as made:
        made.repos = web.repos
        monkeypatch.setenv("AIM_HUB_MIRRORS", f"http://127.0.0.1:9 {made.url}/")
        yield made


def test_a_mirror_stands_in_for_a_hub_that_fails(web: Hub, mirror: Hub, fetch: Fetch) -> None:
    web.trouble["api", REPO] = (503, "")
    web.trouble["files", REPO] = (503, "")
    assert fetch(REPO).done
    assert cache.locate(REPO).complete
    assert mirror.served[WEIGHTS] == len(web.repos[REPO][WEIGHTS])


def test_what_the_hub_began_a_mirror_ends(web: Hub, mirror: Hub, fetch: Fetch) -> None:
    size = len(web.repos[REPO][WEIGHTS])
    web.faults[WEIGHTS] = Fault("short", times=99)
    assert fetch(REPO).done
    assert mirror.ranges[WEIGHTS] == [size // 2]


def test_a_mirror_that_lies_is_found_out(web: Hub, mirror: Hub, fetch: Fetch) -> None:
    web.trouble["files", REPO] = (503, "")
    mirror.faults[WEIGHTS] = Fault("wrong", times=99)
    assert "other bytes than it promises" in fetch(REPO).error
    assert not cache.locate(REPO).complete


def test_a_refusal_of_the_hub_is_the_answer(web: Hub, mirror: Hub, fetch: Fetch) -> None:
    web.trouble["api", REPO] = (403, "GatedRepo")
    assert "is gated" in fetch(REPO).error
    assert mirror.asked == []


def test_a_mirror_never_hears_the_token(
    web: Hub, mirror: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._headers.get_token", lambda: "hf_secret")
    assert "Bearer hf_secret" in str(offered.headers(web.url))
    assert "hf_secret" not in str(offered.headers(mirror.url))
