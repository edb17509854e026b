"""What the chaos launches: the fake engine in all its moods, the real one in all its modes."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import api, files
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from aim_jupyter.testing import Script, fake_engine

#: How a server of the fake engine may behave; most are well.
BEHAVIOURS: dict[str, Script] = {
    "well": Script(beat_s=0.02),
    "slow": Script(beat_s=0.02, boot_s=1.0, load_s=1.0),
    "frail": Script(beat_s=0.02, frail=True, children=2),
    "deaf": Script(beat_s=0.02, ignore_term=True, children=2),
    "flooding": Script(beat_s=0.001, flood_lines=5000),
    "stillborn": Script(beat_s=0.02, fail_at="load"),
    "never ready": Script(beat_s=0.02, never_ready=True),
    "short-lived": Script(beat_s=0.02, crash_after_s=0.3, exit_code=0),
}


def fake_plans(folder: Path) -> list[Plan]:
    """Return a plan for each of `BEHAVIOURS`, of fake engines that are written into `folder`."""
    plans: list[Plan] = []
    for name, script in BEHAVIOURS.items():
        place = files.private_folder(folder / name.replace(" ", "-"))
        program = str(fake_engine(place, script))
        os.environ["AIM_ENGINE_PYTHON"] = program
        if not plans:
            # Made for the CPU, also where the chaos is on the GPUs of a captured machine.
            plans.append(api.plan(Request(model="demo", force=True)))
        plans.append(replace(plans[0], argv=(program, *plans[0].argv[1:])))
    return plans[1:]


def real_plans() -> list[Plan]:
    """Return the demo on the installed engine in every mode; `plain` in all its processes."""
    warm, plain, lean, fork = (
        api.plan(Request(model="demo", start=mode)) for mode in ("warm", "plain", "lean", "fork")
    )
    apart = replace(plain, env={**plain.env, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"})
    return [warm, apart, lean, fork]
