"""Makes build/image, from which the image is built: the wheel, and what the wheel requires.

Only what has changed is written, so that what an image builder has kept is used again.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = ROOT / "build/image"


def prepare(context: Path = CONTEXT) -> Path:
    """Fill the context's folder and return it."""
    context.mkdir(parents=True, exist_ok=True)
    write_requirements(context)
    for old in context.glob("*.whl"):
        old.unlink()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    build += ["--outdir", str(context), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nThe wheel was not built: see above.")
    return context


def write_requirements(context: Path) -> Path:
    """Write down what the wheel requires, if that has changed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = "".join(f"{line}\n" for line in project["dependencies"])
    path = context / "requirements.txt"
    if not path.exists() or path.read_text() != wanted:
        path.write_text(wanted)
    return path


if __name__ == "__main__":
    print(prepare())
