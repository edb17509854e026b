"""Every engine does what all must do: the fake, one of another package, and the real ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import adapters, api
from aim_jupyter.core.adapters import registry
from aim_jupyter.core.errors import StartFailed
from aim_jupyter.core.request import Request
from aim_jupyter.testing import Script, conformance, fake_engine
from tests import boxes
from tests.conftest import use_installed_engine

OUTSIDE = Path(__file__).parents[1] / "outside_engine"

Prepare = Callable[[Path, pytest.MonkeyPatch], Request]


def fake(folder: Path, patch: pytest.MonkeyPatch) -> Request:
    program = fake_engine(folder, Script(token_s=0.05, children=2))
    patch.setenv("AIM_ENGINE_PYTHON", str(program))
    return Request(model="demo")


def container(folder: Path, patch: pytest.MonkeyPatch) -> Request:
    """Put a stand-in for docker on the path, with the fake engine in an image."""
    docker = boxes.docker(folder / "docker", fake_engine(folder, Script(token_s=0.02, children=2)))
    docker.add("own/engine:1")
    patch.setenv("PATH", boxes.path_with(docker))
    return Request(model="demo", engine="container:own/engine:1")


def outside(folder: Path, patch: pytest.MonkeyPatch, package: Path = OUTSIDE) -> Request:
    """Install the engine of another package as a user would, into a folder of its own."""
    site = folder / "site"
    words = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(site), str(package)]
    subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True)
    patch.syspath_prepend(str(site))
    patch.setenv("PYTHONPATH", str(site))
    registry.registered.cache_clear()
    return Request(model="demo", engine="echo", options={"pause": "0.05"})


def vllm(folder: Path, patch: pytest.MonkeyPatch) -> Request:
    use_installed_engine(patch)
    # The second start is then a matter of seconds.
    return Request(model="demo", engine="vllm", start="warm")


ENGINES = [
    pytest.param(fake, id="fake"),
    pytest.param(container, id="container"),
    pytest.param(outside, id="outside"),
    pytest.param(
        vllm,
        id="vllm",
        marks=[pytest.mark.engine, pytest.mark.timeout(900)],
    ),
]


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    registry.registered.cache_clear()


@pytest.mark.parametrize("prepare", ENGINES)
def test_it_does_what_every_engine_must(
    prepare: Prepare, tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    request = prepare(tmp_path, patch)
    assert conformance.check(request, start_s=240) == {}
    assert adapters.registered().refused == ()


#: What an engine could do wrong: words of `outside_engine`, what stands in their place, the check.
FAULTS = (
    ("echo_adapter/engine.toml", "match = 'read (?P", "match = 'never (?P", "stages"),
    ("echo_server.py", '"finish_reason": ends', '"finish_reason": None', "stream"),
    ("echo_server.py", '("counter", "echo_words_said_total"): self.said,', "", "figures"),
    ("echo_server.py", "return self.keys.owns(given)", "return path != '/docs'", "guard"),
    ("echo_server.py", "daemon_threads = False", "daemon_threads = True", "drain"),
)


def test_a_bad_engine_is_told_what_it_does_wrong(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    shutil.copytree(OUTSIDE, package)
    for file, words, instead, _ in FAULTS:
        text = (package / file).read_text()
        assert words in text, words
        (package / file).write_text(text.replace(words, instead))
    found = conformance.check(outside(tmp_path, patch, package))
    assert set(found) == {name for *_, name in FAULTS}
    assert "echo_words_said" not in found["figures"]
    assert "generation_tokens" in found["figures"]
    assert "GET / answers 404 without a key" in found["guard"]


def test_an_engine_of_another_package_is_launched_and_explained_as_any_other(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    request = outside(tmp_path, patch)
    plan = api.plan(request)
    assert (plan.engine, plan.recipe_id) == ("echo", "cpu-bf16-tp1-echo")
    assert plan.reasons[0].endswith("; by vLLM's rules")
    assert "--max-model-len is --window in Echo 1.0" in plan.changes
    assert api.plan(Request(model="demo", recipe=plan.recipe_id)).engine == "echo"
    assert [each.title for each in api.engine_list() if each.usable] == ["Echo 1.0"]
    folder = api.launch(replace(request, options={"window": "5000"}, force=True))
    with pytest.raises(StartFailed, match="Echo can't take 5000 tokens"):
        for _ in api.wait(folder.name, limit_s=30):
            pass
    crash = folder.read().crash
    assert crash is not None
    assert crash.try_line == "%aim launch demo --engine echo --force --window 4096"
    assert crash.line == "a window of 5000 tokens is too wide, at most 4096"
