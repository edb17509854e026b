"""`%aim bench` in a shell: a DataFrame, and its card below."""

from __future__ import annotations

import pandas as pd

from tests.conftest import FakeEngine
from tests.notebook.cells import Session
from tests.verbs.test_benching import LINE
from tests.waiting import launch_ready


def test_a_cell_gives_the_levels_and_shows_the_card(fake: FakeEngine, session: Session) -> None:
    fake()
    launch_ready()
    shown = session.run(f"%aim {LINE}")
    assert isinstance(session.value, pd.DataFrame)
    assert list(session.value.index) == [2]
    (card,) = [one for one in shown.outputs if "text/html" in one.data]
    assert "Best with TTFT p95 under 2,000 ms" in card.data["text/plain"]
    before = session.value
    session.run("%aim runs frame")
    assert isinstance(session.value, pd.DataFrame)
    assert session.value.equals(before), "read again, from the disk"
