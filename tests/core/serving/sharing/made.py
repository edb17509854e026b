"""A server's record, as its owner's supervisor has it."""

from __future__ import annotations

from aim_jupyter.core.records import ServerRecord
from tests.core.serving.state.test_starts import PLAN

RECORD = ServerRecord(name="demo", plan=PLAN, state="running", port=8001)
