"""The runs that are kept, of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.errors import UnknownName
from aim_jupyter.verbs import keeping
from aim_jupyter.work import runs as kept
from tests.render.runs import BENCH, RUN


@pytest.mark.usefixtures("isolated")
def test_where_nothing_was_mapped_there_are_no_runs() -> None:
    assert keeping.runs().empty
    with pytest.raises(UnknownName):
        keeping.run()


def test_a_run_is_known_by_its_handle_from_any_process(isolated: Path) -> None:
    folder = kept.folder_for("1a2b3c", RUN)
    handle = keeping.run("m-1a2b")
    assert repr(handle) == "Run('m-1a2b', stopped, 400 of 1000 rows, 3 failed)"
    assert keeping.run().id == handle.id
    assert keeping.runs().loc[handle.id, "done"] == 400
    handle.stop()
    assert folder.asked_to_stop()
    folder.write(replace(folder.read(), done=997))
    assert handle.state == "done", "what is known is read when it is asked for"
    handle.evict()
    assert not folder.path.exists()


@pytest.mark.usefixtures("isolated")
def test_a_bench_gives_its_levels_and_shows_its_card() -> None:
    kept.folder_for("ffff", BENCH)
    handle = keeping.run("b-ffff")
    assert repr(handle) == "Run('b-ffff', done, 4 of 4 levels, 0 failed)"
    frame = handle.frame()
    assert frame.index.name == "at_once"
    assert frame.loc[16, "best"]
    assert frame["per_gpu_tok_s"].equals(frame["gen_tok_s"] / 2)
    assert "Knee" in (handle._repr_html_() or "")
    assert keeping.runs().loc["b-ffff", "kind"] == "bench"
