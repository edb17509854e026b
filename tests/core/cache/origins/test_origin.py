"""What each place is called."""

from __future__ import annotations

from typing import get_args

import pytest

from aim_jupyter.core.cache import origins
from aim_jupyter.core.records.plan import SourceKind


@pytest.mark.parametrize(
    ("repo", "kind", "title"),
    [
        ("Org/Model", "hub", "the Hub"),
        ("s3://bucket/a/b", "s3", "s3://bucket"),
        ("https://models.example.org:8443/a", "web", "models.example.org:8443"),
        ("modelscope://Org/Model", "modelscope", "ModelScope"),
    ],
)
def test_a_place_is_known_by_the_name(repo: str, kind: str, title: str) -> None:
    origin = origins.of(repo)
    assert (origin.kind, origin.title, origin.repo) == (kind, title, repo)
    assert origin.kind in get_args(SourceKind)
    assert origin.fixed == (kind == "hub")
