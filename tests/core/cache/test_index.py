"""What the file system can't tell: pins, launches, verification."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aim_jupyter.core import api, config
from aim_jupyter.core.cache import index
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import EvictionRule
from tests.core.cache.folders import WHOLE, cached


def test_pins_are_noted_and_taken_back() -> None:
    cached("Org/Model", *WHOLE)
    assert [one.pinned for one in api.models_on_disk()] == [False]
    assert [one.pinned for one in api.pin(["Org/Model"])] == [True]
    assert [one.pinned for one in api.unpin(["Org/Model"])] == [False]
    assert index.read() == index.Index()


def test_pins_that_nobody_can_read_keep_everything() -> None:
    cached("Org/Model", *WHOLE)
    (config.model_cache_dir() / index.NAME).write_bytes(b"\xff{")
    assert [one.pinned for one in api.models_on_disk()] == [None]
    (one,) = api.evictions(EvictionRule(older_than_s=0))
    assert (one.evict, one.reason) == (False, "the index of pins can't be read")
    api.unpin(["Org/Model"])
    assert api.evictions(EvictionRule(older_than_s=0))[0].evict
    (broken,) = config.model_cache_dir().glob(f"{index.NAME}.broken-*")
    assert broken.read_bytes() == b"\xff{"


def test_an_index_of_a_newer_version_is_left_alone() -> None:
    cached("Org/Model", *WHOLE)
    file = config.model_cache_dir() / index.NAME
    file.write_text('{"version": 99, "entries": {}, "more": 1}')
    with pytest.raises(StateUnusable, match="newer"):
        api.pin(["Org/Model"])
    assert "99" in file.read_text()


def test_many_writers_lose_nothing() -> None:
    for number in range(8):
        cached(f"Org/Model{number}", *WHOLE)
    code = "import sys; from aim_jupyter.core import api; api.pin([sys.argv[1]])"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, f"Org/Model{number}"]) for number in range(8)
    ]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert all(one.pinned for one in api.models_on_disk())
