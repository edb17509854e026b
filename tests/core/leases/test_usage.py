"""What users have had lately: it adds up, it fades, and nobody writes it for others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.core.leases import usage
from tests.core.leases.children import ALICE, BOB, child, done, needs_root

ME = os.getuid()


def had(uid: int = ME, later_s: float = 0.0) -> float:
    return usage.had_s([uid], time.time() + later_s)[uid]


def test_it_adds_up_and_a_day_later_counts_half() -> None:
    assert had() == 0.0
    usage.add(3600.0)
    usage.add(1800.0)
    assert had() == pytest.approx(5400.0, rel=0.01)
    assert had(later_s=usage.HALF_LIFE_S) == pytest.approx(2700.0, rel=0.01)


def test_what_is_held_is_counted_by_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("aim_jupyter.core.leases.usage.time.monotonic", lambda: clock[0])
    meter, none = leases.Meter(4), leases.Meter(0)
    for clock[0], counts in ((159.0, 0.0), (170.0, 280.0), (200.0, 280.0), (231.0, 524.0)):
        meter.tick()
        none.tick()
        assert had() == pytest.approx(counts, rel=0.01)
    # What is left of the last minute counts where it ends in order.
    with meter, none:
        clock[0] += 4.0
    assert had() == pytest.approx(540.0, rel=0.01)


@needs_root
def test_each_user_counts_for_themselves(folder: Path) -> None:
    add = "from aim_jupyter.core.leases import usage; usage.add({})"
    assert done(child(add.format(500.0), user=ALICE)) == ""
    forge = (
        f"name = os.environ['AIM_LEASE_DIR'] + '/had-{BOB}'\n"
        "handle = os.open(name, os.O_CREAT | os.O_RDWR, 0o644)\n"
        "os.write(handle, json.dumps(dict(gpu_s=1e9, at=time.time())).encode())\n"
    )
    done(child(forge, user=ALICE))
    assert had(ALICE) == pytest.approx(500.0, rel=0.01)
    assert had(BOB) == 0.0
    # Who finds the own name taken counts under it no more, and is told nothing: it is no error.
    done(child(add.format(50.0), user=BOB))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"gpu_s": -5, "at": 0}', b'{"gpu_s": 1e999, "at": 0}']
)
def test_nonsense_counts_nothing(folder: Path, text: bytes) -> None:
    usage.add(1.0)
    (folder / f"had-{ME}").write_bytes(text)
    assert had() == 0.0
    usage.add(7.0)
    assert had() == pytest.approx(7.0, rel=0.01)


def test_where_nothing_can_be_written_nothing_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o777)
    usage.add(5.0)
    folder.chmod(0o1777)
    assert had() == 0.0
