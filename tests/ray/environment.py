"""Puts Ray beside the engine's environment, for the tests alone, and runs a job there.

Its packages go into a folder of their own, without dependencies: the rest of what Ray needs comes
with the engine, whose environment stays as it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

LOCK = Path(__file__).parents[2] / "locks" / "ray.txt"
#: One node of Ray, not seen from outside, which tells nobody of its use.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # What a stage reserves; two cores alone would let one wait for the other.
    "RAY_OVERRIDE_RESOURCES": '{"CPU": 8}',
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_memory_monitor_refresh_ms": "0",
}


def make(folder: Path, python: str) -> Path:
    """Return the folder with Ray's packages below `folder`, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = folder / "packages"
    with (folder / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made_of = folder / "made-of"
        if not made_of.exists() or made_of.read_text() != LOCK.read_text():
            shutil.rmtree(packages, ignore_errors=True)
            locked = ("--no-deps", "--require-hashes", "--requirement", LOCK)
            quiet = ("--quiet", "--no-compile", "--disable-pip-version-check")
            _run([python, "-m", "pip", "install", *quiet, "--target", packages, *locked], {})
            made_of.write_text(LOCK.read_text())
    return packages


def run_job(python: str, packages: Path, *words: Path) -> None:
    """Run a job of Ray Data with the engine's interpreter; its node ends with it."""
    # Its home, too: Ray keeps a key there.
    beside = {"PYTHONPATH": str(packages), "HOME": str(packages.parent)}
    _run([python, *words], {**_ENVIRONMENT, **beside})


def _run(command: list[str | Path], more: dict[str, str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **more}
    )
    if done.returncode:
        said = f"{done.stdout[-3000:]}{done.stderr[-6000:]}"
        raise RuntimeError(f"{command[:4]} failed:\n{said}")
