"""Records on disk: found by the beginning of a name, refused where they were changed."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from aim_jupyter.core import provenance
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.provenance import store
from aim_jupyter.core.records.provenance import Provenance
from tests.core.provenance.test_comparing import ONE


def kept(model: str, at: float = 1.0) -> Provenance:
    served = replace(ONE, model=model)
    record = Provenance(id=served.id, served=served, asked=(model,), first_at=at)
    store.keep(record)
    return record


def test_a_record_is_found_by_its_name_and_by_the_beginning_of_it() -> None:
    record = kept("a/b")
    assert provenance.find(record.id) == record
    assert provenance.find(record.id[:6]) == record
    for name in ("0" * 16, "../../etc/passwd", "", "x"):
        with pytest.raises(UnknownName):
            provenance.find(name)


def test_what_was_served_last_comes_first_and_the_oldest_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(store, "MOST", 3)
    records = []
    for number in range(5):
        record = kept(f"a/{number}")
        file = next(tmp_path.rglob(f"{record.id}.json"))
        os.utime(file, ns=(number, number))
        records.append(record)
    os.utime(next(tmp_path.rglob(f"{records[2].id}.json")), ns=(10, 10))
    assert provenance.kept()[0] == records[2]
    # The one that was just written is the newest of all.
    assert {each.served.model for each in provenance.kept()} <= {f"a/{n}" for n in (1, 2, 3, 4)}


def test_serving_the_same_again_keeps_when_it_was_first() -> None:
    kept("a/b", at=1.0)
    kept("a/b", at=2.0)
    assert [each.first_at for each in provenance.kept()] == [1.0]


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    record = kept("a/b")
    file = tmp_path / "paper.json"
    changed = replace(record, served=replace(record.served, engine_version="0.33.0"))
    for data in (msgspec.json.encode(changed), b"{", b"[]", b"\xff"):
        file.write_bytes(data)
        with pytest.raises(BadUsage):
            provenance.read(file)
    file.write_bytes(msgspec.json.encode(record))
    assert provenance.read(file) == record
    with pytest.raises(BadUsage, match="holds no record"):
        provenance.read(tmp_path / "nothing")
