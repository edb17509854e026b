"""Each module with logic has a test file of its own name, or says where it is tried until then."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "aim_jupyter"
#: Modules without a file of their own, and where they are imported: it may only get shorter.
OWED: dict[str, list[str]] = tomllib.loads((ROOT / "tests/mirror.toml").read_text())


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
    name = module.parent.name if module.name == "__init__.py" else module.stem.strip("_")
    return Path("tests") / module.parent / f"test_{name}.py"


def imported(test: Path) -> set[str]:
    """Return every module that a test file imports, and every name that it takes from one."""
    found: set[str] = set()
    for each in ast.walk(ast.parse(test.read_text())):
        if isinstance(each, ast.Import):
            found |= {alias.name for alias in each.names}
        elif isinstance(each, ast.ImportFrom) and each.module:
            found |= {each.module, *(f"{each.module}.{alias.name}" for alias in each.names)}
    return found


def dotted(module: Path) -> str:
    return "aim_jupyter." + ".".join(module.with_suffix("").parts).removesuffix(".__init__")


def test_each_module_has_a_file_of_its_own_or_is_owed_one() -> None:
    missing = {str(one) for one in with_logic() if not (ROOT / own(one)).is_file()}
    assert missing - OWED.keys() == set(), "write a test file of its name, see CONTRIBUTING.md"
    assert OWED.keys() - missing == set(), "these are not owed any more: take them out of the list"


def test_where_a_module_is_tried_meanwhile_is_true() -> None:
    for module, files in OWED.items():
        for file in files:
            assert dotted(Path(module)) in imported(ROOT / "tests" / file), (module, file)


def test_the_list_only_gets_shorter() -> None:
    assert len(OWED) <= MOST
    assert sum(not files for files in OWED.values()) <= MOST_INDIRECT


#: What it was when it was last shortened: set these down with it, never up.
MOST = 11
MOST_INDIRECT = 6
