"""Who holds a device, as the claims say."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from aim_jupyter.core import leases
from aim_jupyter.core.leases.holder import Holder
from tests.core.leases.children import ALICE, BOB, A, child, done, line, needs_root


def test_nonsense_in_a_claim_is_not_believed_but_the_lock_is(folder: Path) -> None:
    with leases.take([A], info={}):
        claim = folder / f"{A}.{os.getuid()}"
        for text in (b"", b"{", b"\xff\xfe", b'{"pid": "root"}', b"[]", b"0" * 100_000):
            claim.write_bytes(text)
            assert leases.holders()[A].server is None
        claim.write_text(json.dumps({"server": "\x1b[31mred", "pid": -1, "since": 1e12}))
        holder = leases.holders()[A]
        assert (holder.server, holder.pid) == (None, None)
        assert holder.since is not None
        assert holder.since <= time.time()


@needs_root
def test_a_claim_made_in_anothers_name_is_not_believed() -> None:
    squat = (
        f"import fcntl\nname = os.environ['AIM_LEASE_DIR'] + '/{A}.{ALICE}'\n"
        "handle = os.open(name, os.O_CREAT | os.O_RDWR, 0o666)\n"
        'os.write(handle, b\'{"server": "forged"}\')\n'
    )
    done(child(squat, user=BOB))
    alice = child(
        f"lease = leases.take([{A!r}], info={{'server': 'alices'}})\n"
        "print('held', flush=True); sys.stdin.read()",
        user=ALICE,
    )
    assert line(alice) == "held"
    holder = leases.holders()[A]
    assert (holder.uid, holder.server) == (ALICE, "alices")
    done(alice)


def test_a_holder_is_named_with_what_is_known_of_it() -> None:
    known = Holder(key=A, user="bob", pid=38850, server="llama-3.3-70b")
    assert known.words == "bob for llama-3.3-70b (pid 38850)"
    assert Holder(key=A).words == "somebody who left no name"
    assert Holder(key=A).age_s is None
    assert Holder(key=A, since=time.time() + 1000).age_s == 0


def test_a_claim_that_nobody_holds_is_no_holder(folder: Path) -> None:
    (folder / f"{A}.{os.getuid()}").write_text('{"server": "gone"}')
    (folder / f"{A}.lock").touch()
    assert leases.holders() == {}
