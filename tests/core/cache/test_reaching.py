"""Whether the Hub has a model and lets us have it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from huggingface_hub import errors as hub_errors

from aim_jupyter.core import cache
from aim_jupyter.core.cache.reaching import refusal
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, UnknownName
from aim_jupyter.core.planning import resolving
from tests.core.cache.test_fetching import REPO
from tests.hub import Hub, model_files

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


def test_a_defect_is_no_expected_failure() -> None:
    assert refusal(KeyError("x"), REPO) is None
    assert refusal(hub_errors.HFValidationError("x"), REPO) is not None
