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
PACKAGES = (
    "sglang==0.5.23",
    *("blobfile==3.0.0", "distro==1.9.0", "easydict==1.14", "gguf==0.19.0", "lxml==6.1.3"),
    *("modelscope==1.40.2", "orjson==3.13.0", "outlines==0.1.11", "pycryptodomex==3.24.2"),
    *("scipy==1.17.1", "soundfile==0.13.1", "timm==1.0.25", "xxhash==4.1.0", "zstandard==0.25.0"),
    # IPython, which it imports, with what that needs.
    *("asttokens==3.0.2", "decorator==5.3.1", "executing==2.3.0", "ipython==9.18.1"),
    *("ipython_pygments_lexers==1.1.1", "jedi==0.20.1", "matplotlib_inline==0.2.2"),
    *("parso==0.8.7", "pexpect==4.9.0", "prompt_toolkit==3.0.53", "ptyprocess==0.7.0"),
    *("pure_eval==0.2.4", "stack_data==0.6.3", "traitlets==5.16.1", "wcwidth==0.9.4"),
)
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
    return "\n".join((str(base.resolve()), *PACKAGES))


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
    _run(folder / "bin/python", "-m", "pip", *install, *PACKAGES)
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
