"""The rows of a picker."""

from __future__ import annotations

from aim_jupyter.core.records.known import KnownModel
from aim_jupyter.tables import known


def test_unknown_stays_unknown_and_what_is_known_has_its_unit() -> None:
    bare = known.row(KnownModel(model="a/b", standing="to download"))
    assert (bare["weights_gib"], bare["gpus"], bare["does"], bare["verdict"]) == (
        None,
        None,
        [],
        None,
    )
    one = KnownModel(
        model="a/b", standing="running", does=("chat",), weights_bytes=1 << 29, gpus=(4, 5)
    )
    assert known.row(one) == {
        **bare,
        "standing": "running",
        "does": ["chat"],
        "weights_gib": 0.5,
        "gpus": "4,5",
    }
