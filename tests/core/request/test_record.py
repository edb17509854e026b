"""The table of what a launch can be asked for, and everything that stands by it."""

from __future__ import annotations

import contextlib
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter import verbs
from aim_jupyter.commands.arguments import LAUNCH
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.request import words
from aim_jupyter.core.request.record import OPTIONS, Option, Request, checked
from aim_jupyter.labserver import openapi
from aim_jupyter.panel.launching import Launching

CONTRACT = Path(__file__).parents[3] / "labextension" / "src" / "contract.ts"
FIELDS = list(Request.__struct_fields__)
#: What a contract in TypeScript says for the types of JSON.
TYPES = {"string": {"string"}, "number": {"integer", "number"}, "boolean": {"boolean"}}


@pytest.mark.parametrize("option", OPTIONS, ids=FIELDS)
def test_an_option_says_all_that_a_front_end_shows(option: Option) -> None:
    assert option.help
    assert option.help[-1] != "."
    assert option.positional or re.fullmatch(r"--[a-z]+(-[a-z]+)*", option.word)
    assert option.default == getattr(Request(), option.field)
    assert not option.choices or option.kind.read is str


def test_every_field_is_in_the_table_and_no_word_stands_twice() -> None:
    assert [option.field for option in OPTIONS] == FIELDS
    assert len({option.word for option in OPTIONS}) == len(OPTIONS)


def test_a_line_has_all_of_it() -> None:
    said = [(each.names, each.options.get("dest", "model")) for each in LAUNCH]
    assert said == [((option.word,), option.field) for option in OPTIONS]
    assert [each.completes for each in LAUNCH] == [option.completes for option in OPTIONS]
    assert {option.word for option in OPTIONS} == {"model", *(f"--{n}" for n in words.OURS)} - {
        "--help"
    }


@pytest.mark.parametrize("verb", [verbs.launch, verbs.plan])
def test_python_has_all_of_it(verb: Any) -> None:
    assert list(inspect.signature(verb).parameters) == FIELDS
    for option in OPTIONS:
        assert f"\n    {option.field} : " in verb.__doc__
        assert option.help[1:] in verb.__doc__


def test_the_rest_has_all_of_it() -> None:
    described = openapi.document()["components"]["schemas"]["Request"]["properties"]
    assert {name: schema["description"] for name, schema in described.items()} == {
        option.field: option.help for option in OPTIONS
    }


def test_the_panel_has_a_control_for_what_should_have_one() -> None:
    made = vars(Launching(_Nobody()))  # type: ignore[arg-type]
    # Each GPU has a button of its own, in one row.
    controls = {"gpus" if name == "gpu_row" else name for name in made}
    assert controls & set(FIELDS) == {each.field for each in OPTIONS if "panel" in each.ends}


class _Nobody:
    """A controller that nobody listens to."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def test_the_sidebars_contract_is_the_tables() -> None:
    said = re.search(r"export interface IRequest \{(.*?)\n\}", CONTRACT.read_text(), re.DOTALL)
    assert said is not None
    fields = dict(re.findall(r"^  (\w+)\??: (.+);$", said[1], re.MULTILINE))
    assert set(fields) == {option.field for option in OPTIONS if "sidebar" in option.ends}
    described = openapi.document()["components"]["schemas"]["Request"]["properties"]
    for name, kind in fields.items():
        if name != "gpus":  # a word, as the tables have it
            allowed = [described[name], *described[name].get("anyOf", [])]
            assert {each.get("type") for each in allowed} & TYPES[kind], name


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ({"gpus": [4, 5]}, "gpus", (4, 5)),
        ({"gpus": "4,5"}, "gpus", (4, 5)),
        ({"gpus": np.array([0, 1])}, "gpus", (0, 1)),
        ({"gpus": range(2)}, "gpus", (0, 1)),
        ({"users": np.int64(3)}, "users", 3),
        ({"users": "3"}, "users", 3),
        ({"context": "auto"}, "context", "auto"),
        ({"idle_s": "30m"}, "idle_s", 1800.0),
        ({"idle_s": "never"}, "idle_s", None),
        ({"idle_s": None}, "idle_s", None),
        ({"idle_s": np.float32(0.5)}, "idle_s", 0.5),
        ({"unset": ["a"]}, "unset", ("a",)),
        ({"options": {"x": None, "y": {"z": 1}}}, "options", {"x": None, "y": {"z": 1}}),
    ],
    ids=str,
)
def test_a_value_may_be_said_in_its_usual_forms(said: Any, field: str, value: Any) -> None:
    assert getattr(checked(said), field) == value


@pytest.mark.parametrize(
    "said",
    [
        *({"users": 0}, {"users": "many"}, {"users": 1.5}, {"users": [1]}, {"gpus": [-1]}),
        *({"gpus": "x"}, {"metric": "speed"}, {"port": 70_000}, {"force": "yes"}, {"idle_s": 0}),
        *({"idle_s": "soon"}, {"name": "a\nb"}, {"unset": "a"}, {"env": {"A": 1}}, {"users ": 3}),
        *({"model": "x" * 2000}, {"options": {"": 1}}, {"options": ["a"]}, {"model": None}),
    ],
    ids=str,
)
def test_what_no_launch_can_be_asked_for_is_a_mistake_in_two_lines(said: Any) -> None:
    with pytest.raises(BadUsage) as caught:
        checked(said)
    assert len(caught.value.lines) == 2


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), _ANY, max_size=4))
def test_whatever_is_said_is_a_request_or_a_mistake(said: dict[str, Any]) -> None:
    with contextlib.suppress(BadUsage):
        assert isinstance(checked(said), Request)
