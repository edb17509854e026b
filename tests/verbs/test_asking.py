"""Functions whose signature is what a launch can be asked for."""

from __future__ import annotations

import inspect
from typing import Any, Literal

import pytest

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.request import Request
from aim_jupyter.verbs.asking import asking


@asking
def shown(request: Request) -> Request:
    """Return the request.

    It says more.

    Raises
    ------
    AimError
        Sometimes.
    """
    return request


def test_it_takes_fields_and_is_given_a_request() -> None:
    made = shown("demo", users=4, gpus=[0, 1], idle_s="30m", options={"seed": 1})  # type: ignore[arg-type]
    assert made == Request(model="demo", users=4, gpus=(0, 1), idle_s=1800.0, options={"seed": 1})


def test_without_a_model_it_is_what_a_line_without_one_takes() -> None:
    assert shown().model == "demo"


def test_amds_variables_stand_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_ID", "org/model")
    monkeypatch.setenv("AIM_GPU_COUNT", "2")
    monkeypatch.setenv("AIM_ENGINE_ARGS", '{"seed": 1, "max-num-seqs": 2}')
    made = shown(options={"seed": 3})
    assert (made.model, made.most_gpus) == ("org/model", 2)
    assert made.options == {"seed": 3, "max-num-seqs": 2}
    assert shown("other", most_gpus=1).most_gpus == 1


@pytest.mark.parametrize(
    "wrong", [{"user": 1}, {"users": "four"}, {"gpus": 1.5}, {"model": None}], ids=str
)
def test_what_it_does_not_take_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, BadUsage)):
        shown(**wrong)


def test_its_signature_has_types_and_defaults() -> None:
    parameters = inspect.signature(shown).parameters
    assert parameters["users"].annotation == int | None
    assert parameters["context"].annotation == int | Literal["auto"] | None
    assert parameters["idle_s"].default == 3600.0
    assert parameters["model"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters["users"].kind is inspect.Parameter.KEYWORD_ONLY


def test_its_docstring_has_the_parameters_before_what_it_raises() -> None:
    text = inspect.getdoc(shown) or ""
    parts = [
        text.index(part) for part in ("It says more", "Parameters\n---", "users : int", "Raises")
    ]
    assert parts == sorted(parts)
    assert "idle_s : float | None, in seconds\n    Stop after so long" in text
