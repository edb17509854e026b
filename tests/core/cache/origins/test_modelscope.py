"""ModelScope: its list, its token, and what it does not say."""

from __future__ import annotations

import json

import pytest

from aim_jupyter.core import cache
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.planning import naming
from tests.hub import Hub

REPO = "modelscope://Org/Model"


@pytest.mark.parametrize(
    "link",
    [
        "https://modelscope.cn/models/Org/Model",
        "https://www.modelscope.cn/models/Org/Model/files?x=1",
        REPO,
    ],
)
def test_a_link_is_a_name(link: str) -> None:
    assert naming.read(link).name == REPO


def test_the_token_goes_as_its_own_library_has_it(
    web: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "ms-secret")
    cache.check_reachable(REPO)
    assert web.cookies == {"m_session_id=ms-secret"}


def test_what_is_not_there_is_told(web: Hub) -> None:
    with pytest.raises(ModelMissing, match="no such model, or a private one"):
        cache.check_reachable("modelscope://Org/Nothing")


@pytest.mark.parametrize(
    "said",
    [
        b"[",
        b"{}",
        json.dumps({"Data": {"Files": [{"Path": "config.json", "Type": "blob"}] * 3000}}).encode(),
    ],
    ids=["cut", "empty", "without end"],
)
def test_a_list_that_may_be_cut_is_refused(
    web: Hub, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("aim_jupyter.core.cache.origins.asking.answer", lambda *_: said)
    with pytest.raises(ModelMissing, match="not understood"):
        cache.check_reachable(REPO)


@pytest.mark.parametrize(
    ("path", "sha"), [("../x.json", "0" * 64), ("config.json", ""), ("config.json", "0" * 63)]
)
def test_a_list_with_a_lie_is_refused(
    web: Hub, monkeypatch: pytest.MonkeyPatch, path: str, sha: str
) -> None:
    file = {"Path": path, "Type": "blob", "Size": 1, "Sha256": sha}
    text = json.dumps({"Data": {"Files": [file]}}).encode()
    monkeypatch.setattr("aim_jupyter.core.cache.origins.asking.answer", lambda *_: text)
    with pytest.raises(ModelMissing, match="refused"):
        cache.check_reachable(REPO)
