"""What the package promises to whoever imports it: names, weight, examples."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import aim_jupyter
from aim_jupyter import verbs
from aim_jupyter.core.planning import Request

#: Adding a name is a decision; taking one away breaks somebody's notebook.
PUBLIC = [
    "AimError",
    "Server",
    "attach",
    "cache",
    "cache_evict",
    "cache_pin",
    "cache_prefetch",
    "cache_stats",
    "cache_unpin",
    "cache_verify",
    "cache_why",
    "client",
    "engines",
    "events",
    "exported",
    "fit",
    "fit_history",
    "gpus",
    "launch",
    "logs",
    "metrics",
    "plot",
    "ps",
    "recipes",
    "status",
    "stop",
    "wait",
]
VERBS = [
    function
    for _, function in inspect.getmembers(verbs, inspect.isfunction)
    if function is not verbs.frame
]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(aim_jupyter.__path__, "aim_jupyter.")
    # Programs, what a GPU machine's torch trains, and what the fake engine's interpreter loads.
    if not module.name.endswith("__main__")
    and not module.name.startswith(("aim_jupyter.demo.train", "aim_jupyter.testing.site"))
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
    modules, _ = loaded_by("import aim_jupyter.core.serving.supervisor", isolated)
    heavy = {*HEAVY, "IPython", "httpx", "httpx2", "prometheus_client", "asyncio"}
    assert modules & heavy == set()


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


def test_launch_takes_whatever_can_be_asked_for() -> None:
    # How many GPUs at most is said by AMD's variables alone.
    wishes = {*Request.__struct_fields__, "new"} - {"most_gpus"}
    assert set(inspect.signature(verbs.launch).parameters) == wishes
