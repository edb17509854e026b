"""What every place must do: the stand-in does, and one that does not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.places import registry
from aim_jupyter.testing import placing
from tests.core.places import standin as place
from tests.core.places.conftest import standin as standin  # noqa: PLC0414 - a fixture


def test_the_stand_in_does_what_a_place_must(standin: Path) -> None:
    placing.check(registry.site("standin"), standin)


def test_one_that_garbles_is_told(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.Standin, "way", lambda *_: ["echo"])
    with pytest.raises(AssertionError, match="bytes do not come through"):
        placing.check(registry.site("standin"), standin)
