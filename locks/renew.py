"""Writes the locks anew: what the index serves today, with hashes and without its address.

``make lock`` installs uv for it. Each lock holds for Linux and every Python from 3.11 on, but for
torch: its build for the CPU is locked for the Pythons whose wheels the package index has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOCKS = Path(__file__).parent
#: For each lock what it is made of, and what is left out of it.
MADE_OF: dict[str, tuple[str, ...]] = {
    "developer": ("pyproject.toml", "--group", "dev", "--extra", "docs"),
    # Linked to CUDA on the index, and not needed: see sources.toml.
    "engine-cpu": (
        "locks/engine-cpu.in",
        *(f"--no-emit-package={name}" for name in ("torchvision", "torchaudio", "torchcodec")),
    ),
    "sglang": ("locks/sglang.in", "--no-deps"),
    "ray": ("locks/ray.in", "--no-deps"),
    "schemathesis": ("locks/schemathesis.in",),
}
OPTIONS = (
    *("--universal", "--python-version=3.11", "--generate-hashes", "--upgrade", "--quiet"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
    "--custom-compile-command=make lock",
)


def main() -> None:
    """Write every lock."""
    # pip's own setting for wheels on this machine; uv reads none of pip's.
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    links = [f"--find-links={place}" for place in found.split()]
    for name, source in MADE_OF.items():
        output = f"--output-file=locks/{name}.txt"
        command = ["uv", "pip", "compile", *source, *OPTIONS, *links, output]
        subprocess.run(command, cwd=LOCKS.parent, check=True, env={**os.environ})
        sys.stdout.write(f"locks/{name}.txt\n")


if __name__ == "__main__":
    main()
