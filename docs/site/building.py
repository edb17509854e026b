"""Builds the documentation as plain files: the pages of `docs/` and the reference of the code.

Sphinx, MyST and this theme are what Jupyter's own projects keep theirs with. Any warning, such as
of a link within the pages that leads nowhere, ends the build.

Usage: ``python docs/site/building.py [FOLDER]``, else into ``build/docs``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import reference

SITE = Path(__file__).resolve().parent
DOCS = SITE.parent
ROOT = DOCS.parent


def lay_out(folder: Path) -> None:
    """Write into `folder` all that Sphinx reads: what is written by hand and what is generated."""
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", "__pycache__"))
    for name in ("conf.py", "index.md"):
        shutil.copy(SITE / name, folder)
    shutil.copytree(SITE / "_static", folder / "_static")
    pages = folder / "reference"
    pages.mkdir()
    for name, page in reference.PAGES.items():
        (pages / f"{name}.md").write_text(f"{page()}\n", encoding="utf-8")


def build(target: Path) -> None:
    """Build the pages into `target`.

    Raises
    ------
    subprocess.CalledProcessError
        If Sphinx has anything to warn of.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        lay_out(source)
        options = ("-b", "html", "-n", "-W", "--keep-going", "-q", "-d", f"{scratch}/doctrees")
        command = [sys.executable, "-m", "sphinx", *options, str(source), str(target)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build" / "docs"
    try:
        build(target)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    print(target / "index.html")
