"""What a web server may answer."""

from __future__ import annotations

import pytest

from aim_jupyter.core.cache.origins import asking
from aim_jupyter.core.cache.origins.asking import Refused
from aim_jupyter.core.cache.origins.origin import Interrupted
from tests.hub import COMMIT, Hub, model_files


def test_a_file_has_a_size_and_parts(hub: Hub) -> None:
    hub.repos["Org/Model"] = model_files()
    url = f"{hub.url}/Org/Model/resolve/{COMMIT}/config.json"
    data = model_files()["config.json"]
    assert asking.size(url, {}) == len(data)
    assert asking.part(url, {}, 3, 9) == data[3:12]
    assert asking.answer(url, {}) == data


@pytest.mark.parametrize(
    ("status", "kind"), [(404, Refused), (403, Refused), (429, Interrupted), (503, Interrupted)]
)
def test_a_status_that_may_pass_is_told_from_one_that_stays(
    hub: Hub, status: int, kind: type[Exception]
) -> None:
    hub.trouble["api", "Org/Model"] = (status, "")
    with pytest.raises(kind, match=str(status)):
        asking.answer(f"{hub.url}/api/models/Org/Model", {})


def test_an_answer_without_an_end_is_cut(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["Org/Model"] = model_files()
    monkeypatch.setattr(asking, "MOST_ANSWER", 100)
    with pytest.raises(Interrupted, match="no end"):
        asking.answer(f"{hub.url}/Org/Model/resolve/{COMMIT}/config.json", {})
