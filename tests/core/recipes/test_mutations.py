"""Files that went wrong: one clear error each, and everything else still loads.

Mutations are of real files: text cut, bytes changed, lines moved, values of another kind, keys
misspelt, taken out, or said twice.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import config
from aim_jupyter.core.errors import RecipeInvalid
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.reading import read
from tests.core.conftest import FIXTURES

OURS = sorted(config.shipped_recipes().rglob("*.yaml"))
AMDS = sorted((FIXTURES / "aim-profiles/profiles").rglob("*.yaml"))
FILES = OURS + AMDS[::5]

CLEAR = re.compile(r"^(?P<path>/.*\.yaml), line (?P<line>\d+): expected .+; found .+\.$", re.DOTALL)

_lenient = settings(
    deadline=None, max_examples=1100, suppress_health_check=list(HealthCheck), database=None
)

_TEXT = st.one_of(
    st.sampled_from(
        ["\t", "[", "]", "{", "}", ":", "- ", "&a ", "*a", "!!", "'", '"', "#", "\x00"]
    ),
    st.sampled_from(
        ["%YAML 9", "---\n", "...\n", "<<: *a", "? ", "|\n", "~", ".nan", "0o8", "1_0"]
    ),
    st.text(max_size=6),
)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
    st.dates(),
    st.binary(max_size=4),
)


def judge(path: Path, text: str | bytes) -> None:
    """Check that a changed file is either good or told in one clear line."""
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    problem = _problem(path)
    if problem is None:
        return
    clear = CLEAR.match(problem.found)
    assert clear, problem.found
    assert clear["path"] == str(path)
    assert 1 <= int(clear["line"]) <= path.read_bytes().count(b"\n") + 2
    assert "\n" not in problem.found
    assert len(problem.found) < 700, problem.found
    assert problem.hint == f"%aim recipe check {path}"


def _problem(path: Path) -> RecipeInvalid | None:
    """Return what is wrong with a file; what is good can be kept in the index."""
    try:
        found = read(Document.open(path), Path("org/m.yaml"))
    except RecipeInvalid as problem:
        return problem
    msgspec.msgpack.encode(found)
    return None


@_lenient
@given(data=st.data())
def test_changed_text(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = data.draw(st.sampled_from(FILES)).read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    how = data.draw(st.sampled_from(["cut", "drop", "put", "byte", "twice", "swap"]))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    if how == "cut":
        raw = raw[:start]
    elif how == "drop":
        raw = raw[:start] + raw[end:]
    elif how == "put":
        raw = raw[:start] + data.draw(_TEXT).encode("utf-8", "surrogatepass") + raw[start:]
    elif how == "byte":
        raw = raw[:start] + bytes([data.draw(st.integers(0, 255))]) + raw[start + 1 :]
    else:
        lines = raw.splitlines(keepends=True)
        one, two = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        if how == "twice":
            lines.insert(two, lines[one])
        else:
            lines[one], lines[two] = lines[two], lines[one]
        raw = b"".join(lines)
    judge(_place(tmp_path_factory), raw)


@_lenient
@given(data=st.data())
def test_changed_values(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = yaml.load(data.draw(st.sampled_from(FILES)).read_text(), yaml.CSafeLoader)
    for _ in range(data.draw(st.integers(1, 2))):
        _change(data, content)
    try:
        text = yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False)
    except UnicodeEncodeError:
        return
    judge(_place(tmp_path_factory), text)


def _change(data: st.DataObject, content: Any) -> None:
    """Change one value or key, at any depth."""
    here = content
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inside = here[key]
        if isinstance(inside, dict | list) and inside and data.draw(st.booleans()):
            here = inside
            continue
        break
    how = data.draw(st.sampled_from(["value", "take", "misspell", "key"]))
    if how == "value" or isinstance(here, list):
        here[key] = data.draw(_VALUES)
    elif how == "take":
        del here[key]
    elif how == "misspell":
        here[f"{key}x"] = here.pop(key)
    else:
        here[data.draw(st.integers() | st.text(max_size=3) | st.none())] = here.pop(key)


def _place(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / "mutations"
    folder.mkdir(exist_ok=True)
    return folder / "m.yaml"


def test_the_rest_still_loads(tmp_path: Path) -> None:
    for path in OURS:
        place = tmp_path / "r" / path.relative_to(config.shipped_recipes())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    broken = [tmp_path / "r/Qwen/Qwen3-32B.yaml", tmp_path / "r/openai/gpt-oss-20b.yaml"]
    broken[0].write_text("model: [")
    broken[1].write_text(broken[1].read_text().replace("tp: 8", "tp: eight", 1))
    found = Catalogue([tmp_path / "r"])
    assert len(found.names) == len(OURS) - len(broken)
    said = sorted(problem.found for problem in found.problems)
    assert [one.partition(", line")[0] for one in said] == [str(path) for path in broken]
