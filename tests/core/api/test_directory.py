"""Which server a name means; aliases, set and taken back."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.api import directory
from aim_jupyter.core.api.directory import Directory, Listed
from aim_jupyter.core.errors import BadUsage, ServerGone, UnknownName
from aim_jupyter.core.records import ServerRecord
from tests.render.samples import DEMO

Found = Callable[..., Directory]


def one(name: str, model: str, at: float = 1.0, state: str = "running") -> Listed:
    plan = replace(DEMO, model=model)
    record = ServerRecord(name=name, plan=plan, created_at=at, port=8000, state=state)  # type: ignore[arg-type]
    return Listed(name=name, record=record, key="k")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    def make(*there: Listed) -> Directory:
        monkeypatch.setattr(directory, "_live", lambda: iter(there))
        return Directory()

    return make


def test_a_name_is_a_servers_then_a_models_in_any_case(found: Found) -> None:
    names = found(one("a", "org/B", 1), one("b", "org/C", 2), one("newer", "org/C", 3))
    assert names.find("b").name == "b"
    assert names.find("ORG/b").name == "a"
    assert names.find("c").name == names.find("org/C").name == "newer"
    assert names.names() == ["newer", "b", "a", "org/C", "org/B"]


def test_one_that_runs_is_taken_before_one_that_starts(found: Found) -> None:
    names = found(one("old", "m", 1), one("new", "m", 2, "starting"))
    assert names.find("m").name == "old"
    with pytest.raises(ServerGone, match="is starting"):
        names.find("new")


def test_what_nobody_serves_is_told_with_what_is_near(found: Found) -> None:
    with pytest.raises(UnknownName, match="Nearest: minilm") as caught:
        found(one("minilm", "org/x")).find("minilmm")
    assert caught.value.hint == "%aim ps"


def test_an_alias_means_the_first_of_its_names_that_runs(found: Found) -> None:
    directory.alias("judge=big,small")
    assert found(one("small", "s")).find("judge").name == "small"
    assert found(one("small", "s"), one("big", "b")).find("judge").name == "big"
    # A server of that very name is meant by it.
    assert found(one("judge", "j"), one("big", "b")).find("judge").name == "judge"
    assert "judge" not in found(one("other", "o")).names()
    assert directory.alias("judge=") == {}


@pytest.mark.parametrize(
    "said", ["judge", "=a", "a=a", "a=b c", "a b=c", "-x=y", "a=b,,=", "a=" + "b" * 200]
)
def test_what_is_no_alias_is_refused(said: str) -> None:
    with pytest.raises(BadUsage, match="no alias"):
        directory.alias(said)


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 3}', "[" * 100_000])
def test_a_file_that_holds_anything_else_is_none(text: str) -> None:
    config.state_dir().mkdir(parents=True, exist_ok=True)
    (config.state_dir() / "aliases.json").write_text(text)
    assert directory.aliases() == {}


def test_a_look_is_good_for_a_moment_and_can_be_forgotten(found: Found) -> None:
    names = found(one("a", "m"))
    names.names()
    assert names.fresh
    names.forget()
    assert not names.fresh


@given(st.text())
def test_any_name_is_found_or_not(name: str) -> None:
    look = directory._Look(time.monotonic() + 1e6, (one("a", "org/m"),))
    names = Directory()
    names._seen = look
    try:
        assert names.find(name).name == "a"
    except UnknownName:
        assert name.casefold() not in ("a", "m", "org/m")
