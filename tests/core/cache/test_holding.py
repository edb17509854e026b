"""Who uses a model: a lock on its folder."""

from __future__ import annotations

import subprocess
import sys

from aim_jupyter import demo
from aim_jupyter.core import api, serving
from aim_jupyter.core.cache import holding
from aim_jupyter.core.records import EvictionRule
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.core.cache.folders import WHOLE, cached
from tests.waiting import launch_ready


def test_what_another_process_holds_is_in_use_and_stays() -> None:
    folder = cached("Org/Model", *WHOLE)
    planned = api.evictions(EvictionRule(older_than_s=0))
    assert planned[0].evict
    code = (
        "import sys, pathlib\n"
        "from aim_jupyter.core.cache import holding\n"
        "with holding.using(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        (one,) = api.models_on_disk()
        assert one.in_use_by == f"pid {other.pid}"
        assert not api.evictions(EvictionRule(older_than_s=0))[0].evict
        # Also for a plan that was made before.
        (left,) = api.evict(planned)
        assert (left.done, left.reason) == (False, "somebody uses it now")
        assert folder.exists()
        other.kill()
    assert api.models_on_disk()[0].in_use_by is None
    assert api.evict(planned)[0].done


def test_a_server_holds_its_model_as_long_as_its_engine_lives(fake: FakeEngine) -> None:
    fake()
    folder = cached("Org/Model", *WHOLE)
    for name in WHOLE:
        (folder / "blobs" / name).write_bytes((demo.FOLDER / name).read_bytes())
    server = launch_ready(Request(model="Org/Model"))
    (one,) = api.models_on_disk()
    assert one.in_use_by == server.name
    assert not api.evictions(EvictionRule(models=("Org/Model",)))[0].evict
    with holding.alone(folder) as alone:
        assert not alone
    stats = api.cache_stats()
    assert (stats.hits, stats.misses, stats.hit_rate) == (1, 0, 1.0)
    assert stats.in_use_bytes == one.size_bytes
    serving.stop(server)
    with holding.alone(folder) as alone:
        assert alone
    assert api.evictions(EvictionRule(models=("Org/Model",)))[0].evict
