"""A folder of a web server."""

from __future__ import annotations

import pytest

from aim_jupyter.core import cache
from aim_jupyter.core.cache import origins
from aim_jupyter.core.errors import BadUsage, ModelMissing, Offline
from aim_jupyter.core.planning import resolving
from tests.hub import Hub


def test_a_folder_without_a_list_of_hashes_is_told(web: Hub) -> None:
    with pytest.raises(ModelMissing, match="has no SHA256SUMS") as caught:
        resolving.model(f"{web.url}/folder/Org/Nothing")
    assert "sha256sum" in caught.value.hint


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(Offline, match=r"from 127\.0\.0\.1:9: the connection broke"):
        cache.check_reachable("http://127.0.0.1:9/model")


@pytest.mark.parametrize(
    "name", ["https://user:secret@example.org/m", "https://example.org/m?token=x", "ftp://a/b"]
)
def test_an_address_with_more_than_a_folder_is_none(name: str) -> None:
    with pytest.raises(BadUsage, match="no link to a model"):
        resolving.model(name)


def test_a_part_of_a_file_is_had(web: Hub, files: dict[str, bytes]) -> None:
    origin = origins.of(f"{web.url}/folder/Org/Model")
    commit = origin.commit(None)
    file = origin.files(commit)["model.safetensors"]
    assert origin.head(commit, file, 10, 20) == files["model.safetensors"][10:30]
