"""Each module with logic has a test file of its own, at the same place and of its name."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "aim_jupyter"


def with_logic() -> list[Path]:
    """Return the modules that hold a function, from the package's root."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        logic = any(
            isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in ast.walk(tree)
        )
        # What the fake engine's interpreter loads behaves as vLLM, and is tried by being that.
        if logic and "site" not in path.relative_to(PACKAGE).parts:
            found.append(path.relative_to(PACKAGE))
    return found


def own(module: Path) -> Path:
    """Return the test file of a module, from the root of the repository."""
    package = module.parent.name or PACKAGE.name
    name = package if module.name == "__init__.py" else module.stem.strip("_")
    return Path("tests") / module.parent / f"test_{name}.py"


def test_each_module_has_a_file_of_its_own() -> None:
    missing = [str(own(one)) for one in with_logic() if not (ROOT / own(one)).is_file()]
    assert missing == [], "write them, see CONTRIBUTING.md"


def test_a_package_is_tried_by_its_name() -> None:
    assert own(Path("core/fit/__init__.py")) == Path("tests/core/fit/test_fit.py")
    assert own(Path("work/__main__.py")) == Path("tests/work/test_main.py")
    assert own(Path("__init__.py")) == Path("tests/test_aim_jupyter.py")
