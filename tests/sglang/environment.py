"""Makes an environment in which the real SGLang runs on the CPU, for the tests alone.

By hand: ``python -m tests.sglang.environment``.

SGLang on the package index depends on CUDA, and has no kernels for CPUs. Its Python alone runs all
the same, slowly, with the two stubs beside this file (facts/vllm.md 8). That is good enough to see
how it starts, serves, fails and ends; it is no way to serve a model, and no part of the product.

Torch, Transformers and 3.4 GB more are those of the managed environment vllm-cpu, linked to one
by one: without vLLM itself, which would make it an environment of both engines. What is installed
beside them is installed without dependencies, so that pip never touches what the links lead to.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import time
from pathlib import Path

from aim_jupyter.core import config

NAME = "sglang-cpu-0.5"
#: Python alone, with the versions that were tried.
LOCK = Path(__file__).parents[2] / "locks" / "sglang.txt"
STUBS = Path(__file__).with_name("stubs")
_NOT_LINKED = ("vllm", "pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__")


def make(engines: Path) -> Path:
    """Return the environment's folder below `engines`, made if it is not there.

    Parameters
    ----------
    engines : Path
        Where the engine environments of the tests are: beside it goes a link to vllm-cpu.
    """
    engines.mkdir(parents=True, exist_ok=True)
    folder = engines / NAME
    with (engines / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        base = _base()
        link = engines / base.name
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(base)
        if _stamp(folder) != _wanted(base):
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder, base)
            (folder / "made-of").write_text(_wanted(base))
    return folder


def _base() -> Path:
    """Return the managed environment with torch for the CPU."""
    found = sorted(config.engines_dir().glob("vllm-cpu-*/bin"))
    if not found:
        raise FileNotFoundError("no vllm-cpu environment: make engine")
    return found[-1].parent


def _wanted(base: Path) -> str:
    return f"{base.resolve()}\n{LOCK.read_text()}"


def _stamp(folder: Path) -> str:
    try:
        return (folder / "made-of").read_text()
    except OSError:
        return ""


def _fill(folder: Path, base: Path) -> None:
    _run(base / "bin/python", "-m", "venv", str(folder))
    theirs = next((base / "lib").glob("python3*/site-packages")).resolve()
    ours = next((folder / "lib").glob("python3*/site-packages"))
    for path in theirs.iterdir():
        if not path.name.startswith(_NOT_LINKED) and path.suffix != ".pth":
            (ours / path.name).symlink_to(path)
    install = ("install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check")
    locked = ("--require-hashes", "--requirement", LOCK)
    _run(folder / "bin/python", "-m", "pip", *install, *locked)
    # A copy: the environment outlives this checkout.
    shutil.copytree(STUBS, ours, dirs_exist_ok=True)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:5]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    began = time.monotonic()
    made = make(config.data_dir() / "tests" / "engines")
    sys.stdout.write(f"{made}: {time.monotonic() - began:.1f} s\n")
