"""Engines register from outside; a wrong one is refused with the reason, and the others stay."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import registry
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.serving.crash import failures

ENGINE = """\
name = "{name}"
title = "Acme"
module = "acme"

[listen]
port = ["--port", "{{port}}"]

[key]
variable = "ACME_KEY"
"""

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that puts a package with an engine on the path; it returns the refusals."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def put(more: str = "", *, name: str = "acme", entry: str = "acme", code: str = "") -> str:
        package = tmp_path / f"{entry}_engine"
        package.mkdir()
        (package / "describe.py").write_text("def describe():\n    return {}\n")
        (package / "engine.toml").write_text(ENGINE.format(name=name) + more)
        (package / "__init__.py").write_text(
            code
            or "from pathlib import Path\nfrom aim_jupyter.core import adapters\n"
            "ADAPTER = adapters.read(Path(__file__).parent)\n"
        )
        dist = tmp_path / f"{entry}_engine-1.dist-info"
        dist.mkdir()
        (dist / "METADATA").write_text(f"Name: {entry}-engine\nVersion: 1\n")
        (dist / "entry_points.txt").write_text(
            f"[{adapters.GROUP}]\n{entry} = {entry}_engine:ADAPTER\n"
        )
        registry.registered.cache_clear()
        return " ".join(refused.line for refused in adapters.registered().refused)

    yield put
    registry.registered.cache_clear()
    for module in set(sys.modules) - before:
        del sys.modules[module]


def test_an_engine_from_outside_is_there_beside_the_built_in_ones(install: Install) -> None:
    assert install() == ""
    assert next(iter(adapters.known())).name == "vllm"
    acme = adapters.get("acme")
    assert (acme.title, acme.stop.number, acme.option("context")) == ("Acme", 15, "context")
    assert adapters.filled(acme.listen.port, host="127.0.0.1", port=81) == ["--port", "81"]
    assert adapters.title("acme") == "Acme"


IN_PYTHON = """
from aim_jupyter.core.adapters import Adapter, Key, Listen
ADAPTER = Adapter(
    name='acme', title={title}, folder='{folder}', module='acme',
    listen=Listen(port=('--port', '{{port}}')), key=Key(variable='ACME_KEY'),
)
"""
STAGE = '[[stages]]\nstage = "load"\nmatch = {}\n'


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("[health]\npath = 3\n", "health.path: Expected `str`, got `int`."),
        ("[nonsense]\n", "unknown field `nonsense`"),
        (STAGE.format("'loa(d'"), "the pattern 'loa(d' does not compile: missing )"),
        (STAGE.format("'load'") + 'detail = "{percent}"\n', "has no group 'percent'"),
        (STAGE.format("'load'").replace("load", "lift", 1), "Invalid enum value 'lift'"),
        ('[[failures]]\nmatch = "x"\n', "failures[0]: Object missing required field `what`"),
        ('[metrics.gauge]\nruning = ["acme_r"]\n', "runing is no gauge that is known: running"),
        ('[settings]\nlength = "len"\n', "length is no setting that is known"),
        ('[stop]\nsignal = "SIGNOTHING"\n', "there is no signal SIGNOTHING"),
        ('[health]\npath = "/live"\n', "/live is not among the open routes"),
        ("[[[", "DecodeError: "),
    ],
)
def test_a_wrong_one_is_refused_with_the_reason(install: Install, more: str, reason: str) -> None:
    refused = install(more)
    assert refused.startswith("Engine acme (acme_engine:ADAPTER) was refused: ")
    assert reason in refused
    assert "\n" not in refused
    assert [adapter.name for adapter in adapters.known()].count("acme") == 0
    assert adapters.get("vllm").title == "vLLM"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("ADAPTER = 3", "int is no Adapter"),
        ("other = 1", "has no attribute 'ADAPTER'"),
        ("raise SystemError('boom')", "SystemError: boom"),
        (IN_PYTHON.format(title=3, folder=""), "title: Expected `str`, got `int`"),
        (IN_PYTHON.format(title="'A'", folder="/gone"), "there is no file /gone/describe.py"),
    ],
)
def test_what_is_no_adapter_is_refused(install: Install, code: str, reason: str) -> None:
    assert reason in install(code=code)


def test_a_name_is_given_once(install: Install) -> None:
    assert "the name is taken" in install(name="vllm", entry="vllm")
    assert adapters.get("vllm").module == "vllm"


def test_the_entry_and_the_engine_have_one_name(install: Install) -> None:
    assert "it calls itself 'other'" in install(name="other")


def test_the_built_in_ones_are_registered_like_any_other() -> None:
    named = {point.name: point.value for point in entry_points(group=adapters.GROUP)}
    assert named == registry._OWN
    assert adapters.registered().refused == ()


@pytest.mark.parametrize("name", registry._OWN)
def test_the_built_in_ones_are_as_any_other_must_be(name: str) -> None:
    """What ships is not looked at when it is loaded: compiling all patterns takes 50 ms."""
    assert registry.checked(name, adapters.get(name)).title == adapters.title(name)
    for rule in failures.rules(name):
        rule.check()


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="vllm"):
        adapters.get("vlm")
    assert adapters.of("gone").stages == ()
    assert not adapters.is_known("gone")


@pytest.mark.parametrize("adapter", adapters.known(), ids=lambda adapter: adapter.name)
def test_every_script_is_python_3_9_without_this_package(adapter: adapters.Adapter) -> None:
    text = adapter.script.read_text()
    ast.parse(text, feature_version=(3, 9))
    assert "aim_jupyter" not in text


def test_looking_up_a_built_in_engine_looks_for_no_others() -> None:
    code = (
        "import sys; from aim_jupyter.core import adapters; adapters.get('vllm'); "
        "print('importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
