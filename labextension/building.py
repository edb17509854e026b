"""Builds the labextension: for the wheel as hatchling's build hook, and for ``make labextension``.

What is built goes to ``aim_jupyter/labextension``, which the wheel installs where JupyterLab looks
for it: who installs the wheel needs no node.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "aim_jupyter"
BUILT = PACKAGE / "labextension"
SHARE = "share/jupyter/labextensions/aim-jupyter"
#: What the bundler asks for (``engines`` of @rspack/core).
NODE = (20, 19)
_SOURCES = ("src", "style", "schema", "package.json", "yarn.lock", "tsconfig.json", "install.json")


class Hook(BuildHookInterface):
    """Puts the labextension into a wheel; an editable install goes without."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not there yet, or say what is missing for it."""
        if version == "editable":
            self.app.display_info("The sidebar of JupyterLab is built by `make labextension`.")
            return
        if not is_current():
            lacking = missing()
            if lacking:
                self.app.abort(f"The sidebar of JupyterLab can't be built: {lacking}")
            build()
        build_data["shared_data"][str(BUILT)] = SHARE


def missing() -> str:
    """Return what is missing to build, with the command that brings it; empty if nothing is."""
    program = shutil.which("node")
    if program is None:
        return "there is no node here.\nTry: apt-get install nodejs npm"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = said.stdout.strip()
    if tuple(map(int, re.findall(r"\d+", found)[:2])) < NODE:
        wanted = ".".join(map(str, NODE))
        return f"node {found} is too old.\nTry: a node of {wanted} or later, such as Debian 13 has"
    return ""


def is_current() -> bool:
    """Return whether what is built is of these sources, or came whole in a source distribution."""
    made = BUILT / "package.json"
    if not made.exists():
        return False
    if (HERE.parent / "PKG-INFO").exists():
        return True
    return made.stat().st_mtime > max(path.stat().st_mtime for path in _sources())


def _sources() -> list[Path]:
    found = [*(HERE / name for name in _SOURCES), PACKAGE / "panel" / "static"]
    return [*found, *(path for folder in found if folder.is_dir() for path in folder.rglob("*"))]


def build() -> None:
    """Install what is needed, compile, bundle, and give the whole our version."""
    for old in (HERE / "lib", BUILT):
        shutil.rmtree(old, ignore_errors=True)
    jlpm("install", "--immutable")
    jlpm("tsc")
    _run("-c", "from jupyter_builder.main import main; main()", "build", ".")
    shutil.copy(HERE / "install.json", BUILT)
    about = BUILT / "package.json"
    # The last one that is written: it is what tells that the whole is there.
    about.write_text(re.sub(r'("version": )"0\.0\.0"', rf'\1"{_version()}"', about.read_text()))


def jlpm(*words: str) -> None:
    """Run JupyterLab's own yarn, with the registry that npm is set up for here."""
    _run("-c", "from jupyter_builder.jlpm import main; main()", *words)


def _run(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=HERE,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nThe labextension was not built: {' '.join(words[2:])} failed.")


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    npm = shutil.which("npm")
    if npm is not None and "YARN_NPM_REGISTRY_SERVER" not in environment:
        asked = [npm, "config", "get", "registry"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=HERE)
        if said.returncode == 0 and said.stdout.strip():
            environment["YARN_NPM_REGISTRY_SERVER"] = said.stdout.strip()
    return environment


def _version() -> str:
    text = (PACKAGE / "__init__.py").read_text()
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def _sizes() -> str:
    scripts = list((BUILT / "static").glob("*.js"))
    whole = sum(path.stat().st_size for path in scripts) / 1024
    parts = ", ".join(f"{path.name} {path.stat().st_size / 1024:.1f}" for path in sorted(scripts))
    return f"the sidebar's bundle: {whole:.1f} KiB ({parts})"


def main(words: list[str]) -> None:
    """Build it, and say how large it is; with ``--missing`` only say what is missing for that."""
    lacking = missing()
    if lacking:
        sys.exit(f"The sidebar of JupyterLab can't be built: {lacking}")
    if "--missing" not in words:
        build()
        print(_sizes())


if __name__ == "__main__":
    main(sys.argv[1:])
