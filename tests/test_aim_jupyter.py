"""What the package promises to whoever imports it: names, weight, examples."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aim_jupyter
from aim_jupyter import verbs
from aim_jupyter.core.request.record import OPTIONS, Request

PACKAGE = Path(aim_jupyter.__file__).parent

#: Adding a name is a decision; taking one away breaks somebody's notebook.
PUBLIC = [
    "AimError",
    "RunHandle",
    "Server",
    "answer",
    "ask",
    "attach",
    "bench",
    "cache",
    "cache_evict",
    "cache_pin",
    "cache_prefetch",
    "cache_stats",
    "cache_unpin",
    "cache_verify",
    "cache_why",
    "client",
    "compare",
    "drift",
    "embed",
    "engines",
    "evaluate",
    "events",
    "exported",
    "fit",
    "fit_history",
    "gateway",
    "gpus",
    "launch",
    "logs",
    "map",
    "metrics",
    "plan",
    "plot",
    "provenance",
    "ps",
    "queue",
    "recipes",
    "replay",
    "rerank",
    "run",
    "runs",
    "status",
    "stop",
    "usage",
    "wait",
    "why",
]
VERBS = [
    function
    for _, function in inspect.getmembers(verbs, inspect.isfunction)
    if function is not verbs.frame
]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(aim_jupyter.__path__, "aim_jupyter.")
    # Programs, and what an engine's interpreter loads.
    if not module.name.endswith("__main__")
    and not module.name.startswith(
        ("aim_jupyter.testing.site", "aim_jupyter.core.adapters.vllm.oracle")
    )
)

HEAVY = ("pandas", "openai", "ipywidgets", "torch", "vllm", "numpy", "yaml", "huggingface_hub")

#: Runs code and says which modules came with it, and which files of ours were touched.
WATCH = """
import json, sys
touched = []
def watch(event, arguments):
    if event in ("open", "os.mkdir", "os.listdir", "os.scandir", "os.rename", "os.remove"):
        path = str(arguments[0])
        if path.startswith({root!r}) and "/.ipython" not in path:
            touched.append(path)
sys.addaudithook(watch)
{code}
print(json.dumps([sorted({{name.partition(".")[0] for name in sys.modules}}), touched]))
"""
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
touched.clear()
"""
EXTENSION = f"{SHELL}shell.run_line_magic('load_ext', 'aim_jupyter')"


def loaded_by(code: str, root: Path) -> tuple[set[str], list[str]]:
    """Return the top-level modules and the files below `root` that a fresh process needs."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(code=code, root=str(root))],
        capture_output=True,
        text=True,
        check=True,
    )
    modules, touched = json.loads(done.stdout.splitlines()[-1])
    return set(modules), touched


def test_the_public_names_are_these() -> None:
    assert aim_jupyter.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC
    for name in PUBLIC:
        assert getattr(aim_jupyter, name).__name__ == name
    assert set(PUBLIC) <= set(dir(aim_jupyter))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        aim_jupyter.nothing  # noqa: B018


@pytest.mark.parametrize("code", ["import aim_jupyter", EXTENSION], ids=["import", "load_ext"])
def test_importing_loads_nothing_heavy_and_touches_no_folder_of_ours(
    isolated: Path, code: str
) -> None:
    before = loaded_by(SHELL, isolated)[0] if code == EXTENSION else set()
    modules, touched = loaded_by(code, isolated)
    assert "aim_jupyter" in modules
    assert (modules - before) & set(HEAVY) == set()
    assert touched == []
    assert not any((isolated / name).exists() for name in ("state", "data", "cache"))


def test_the_core_knows_no_front_end(isolated: Path) -> None:
    modules, touched = loaded_by("import aim_jupyter.core.api", isolated)
    assert modules & {"IPython", "ipywidgets", "tornado", "jupyter_server", "pandas"} == set()
    assert touched == []


def test_the_supervisor_stays_small(isolated: Path) -> None:
    modules, _ = loaded_by("import aim_jupyter.core.serving.supervisor.supervisor", isolated)
    heavy = {*HEAVY, "IPython", "httpx", "httpx2", "prometheus_client", "asyncio"}
    assert modules & heavy == set()


STUBS = sorted(Path(aim_jupyter.__file__).parent.rglob("__init__.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=[each.parent.name for each in STUBS])
def test_every_name_that_a_stub_promises_can_be_had(stub: Path) -> None:
    # lazy-loader reads a stub by itself: what it does not understand is found missing when used.
    names = next(
        ast.literal_eval(line.value)
        for line in ast.parse(stub.read_text()).body
        if isinstance(line, ast.Assign)
    )
    parts = stub.parent.relative_to(Path(aim_jupyter.__file__).parents[1]).parts
    package = importlib.import_module(".".join(parts))
    assert {name for name in names if not hasattr(package, name)} == set()


@pytest.mark.parametrize("function", VERBS, ids=[function.__name__ for function in VERBS])
def test_every_verb_has_a_docstring_with_an_example(function: object) -> None:
    text = inspect.getdoc(function) or ""
    if function is verbs.frame:  # the front ends' own helper, not exported
        assert text
        return
    assert "Examples\n--------\n>>> import aim_jupyter as aim" in text
    assert text.splitlines()[0].endswith(".")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(module, optionflags=flags).failed == 0


def test_there_are_examples_to_hold() -> None:
    finder = doctest.DocTestFinder()
    tried = sum(
        bool(test.examples)
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
    )
    assert tried > 20


@pytest.mark.parametrize("verb", [verbs.launch, verbs.plan])
def test_launch_and_plan_take_whatever_can_be_asked_for(verb: Any) -> None:
    assert list(inspect.signature(verb).parameters) == list(Request.__struct_fields__)
    for option in OPTIONS:
        assert f"{option.field} : " in verb.__doc__


@pytest.mark.parametrize(
    "name",
    sorted(
        ".".join(stub.relative_to(PACKAGE.parent).parent.parts)
        for stub in PACKAGE.rglob("__init__.pyi")
    ),
)
def test_each_name_of_a_stub_is_there(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__
    for one in module.__all__:
        assert getattr(module, one) is not None
