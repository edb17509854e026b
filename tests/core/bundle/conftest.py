"""A machine with a model and an engine, and a bundle of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core import api, config
from aim_jupyter.testing import SITE, Script
from tests.core.cache.conftest import hub  # noqa: F401 - a fixture
from tests.hub import Hub, model_files

REPO = "Org/Model"
ENGINE = "vllm-fake-0.32"


@pytest.fixture
def there(hub: Hub) -> str:  # noqa: F811
    """Put a model into the cache, as a download does, and return what it is called."""
    template = json.dumps({"chat_template": "{{ messages[0].content }}"}).encode()
    hub.repos[REPO] = {**model_files(), "tokenizer_config.json": template}
    list(api.prefetch([REPO]))
    return REPO


@pytest.fixture
def engine() -> str:
    """Make an environment with a fake engine where the managed ones are; return its name."""
    build = config.engines_dir() / ".builds" / f"{ENGINE}-made"
    words = [sys.executable, "-I", "-m", "venv", "--without-pip", str(build)]
    subprocess.run(words, check=True)
    (packages,) = build.glob("lib/python3*/site-packages")
    shutil.copytree(SITE / "vllm", packages / "vllm")
    behaviour = msgspec.json.encode(Script()).decode()
    (packages / "sitecustomize.py").write_text(
        f"import os\nos.environ.setdefault('AIM_FAKE_ENGINE', {behaviour!r})\n"
    )
    dist = packages / "vllm-0.32.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0\n")
    (build / "bin/tool").write_text(f"#!{build}/bin/python3.11\nprint('it runs')\n")
    (build / "bin/tool").chmod(0o755)
    (config.engines_dir() / ENGINE).symlink_to(build.relative_to(config.engines_dir()))
    return ENGINE


Move = Callable[[], None]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Return what goes to another machine: empty folders, and no Hub."""

    def go() -> None:
        for name in ("STATE", "DATA", "CACHE"):
            monkeypatch.setenv(f"AIM_{name}_DIR", str(tmp_path / "elsewhere" / name.lower()))
        monkeypatch.setenv("HOME", str(tmp_path / "elsewhere/home"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    return go
