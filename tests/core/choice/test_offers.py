"""Ready commands that do work, each tried before it is offered."""

from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.commands import parsing
from aim_jupyter.core import gpus
from aim_jupyter.core.choice import Asked, Conditions, offers
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.core.records import (
    Choice,
    Machine,
    Model,
    Offer,
)
from aim_jupyter.core.request.record import Request
from tests.core.choice.test_judging import LLAMA, ranked
from tests.core.conftest import box, judge, rank

QWEN = "Qwen/Qwen3-32B"


@pytest.mark.parametrize(
    ("kind", "count", "asked"),
    [
        ("MI300X", 1, Request(model=QWEN, recipe="mi300x-bf16-tp1", users=64)),
        ("MI300X", 1, Request(model=QWEN, recipe="mi300x-bf16-tp1", users=8, context=32_768)),
        ("MI250X", 1, Request(model=QWEN)),
        ("MI300X", 1, Request(model=QWEN, precision="int4")),
    ],
)
def test_what_is_offered_does_fit(kind: str, count: int, asked: Request) -> None:
    model, machine = catalogue().find("Qwen/Qwen3-32B"), box(kind, count)
    refused = rank(
        model, machine, recipe=asked.recipe, users=asked.users, context=asked.context,
        precision=asked.precision,
    )[0]  # fmt: skip
    there = Conditions(machine=machine)
    made = offers(
        Asked(model=model, request=asked, conditions=there, fit=judge(model, machine)), refused
    )
    assert 0 < len(made) <= 5
    for offer in made:
        assert offer.verdict == "FITS"
        assert offer.change in offer.line
        assert _run(model, machine, offer.line).verdict == "FITS"


def _run(model: Model, machine: Machine, line: str) -> Choice:
    words = line.split()
    given = dict(zip(words[3::2], words[4::2], strict=True))
    kind, _, count = given.get("--machine", machine.host).partition(":")
    return rank(
        model,
        box(kind.upper(), int(count)),
        recipe=given.get("--recipe"),
        precision=given.get("--precision"),
        users=int(given["--users"]) if "--users" in given else None,
        context=int(given["--context"]) if "--context" in given else None,
    )[0]


def test_a_no_comes_with_launches_that_fit() -> None:
    asked: dict[str, Any] = {"users": 16, "context": 32768, "recipe": "mi300x-bf16-tp1"}
    choice = ranked("Qwen/Qwen3-32B", "mi300x:1", **asked)[0]
    assert choice.verdict == "NO"
    assert 1 <= len(choice.offers) <= 5
    for offer in choice.offers:
        assert offer.change in offer.line
        assert offer.verdict in ("FITS", "TIGHT")
        assert len(offer.reason.split(";")) == 2


def relaunched(offer: Offer, spec: str) -> Choice:
    """Return what comes of an offer's line when it is typed."""
    _, given = parsing.parse(parsing.split(offer.line.removeprefix("%aim ")))
    asked = {"users": given.users, "context": given.context, "recipe": given.recipe}
    return ranked(given.model, spec, options=given.engine_options, **asked)[0]


@pytest.mark.parametrize(
    ("model", "spec", "users"),
    [
        ("Qwen/Qwen3-32B", "mi300x:1", 16),
        (LLAMA, "mi300x:2", 16),
        ("Qwen/Qwen3-8B", "mi210:1", 64),
        ("deepseek-ai/DeepSeek-R1", "mi300x:8", 64),
    ],
)
def test_each_offer_leads_to_the_verdict_that_it_promises(
    model: str, spec: str, users: int
) -> None:
    refused = [one for one in ranked(model, spec, users=users, context=32768) if one.offers]
    assert refused
    for choice in refused[:4]:
        for offer in choice.offers:
            if "manual only" not in offer.reason and spec in offer.line:
                assert relaunched(offer, spec).verdict == offer.verdict, offer.line


def test_an_offer_of_a_real_machine_is_a_launch() -> None:
    here = structs.replace(gpus.machine("mi300x:1"), simulated=False)
    asked: dict[str, Any] = {"users": 16, "context": 32768, "recipe": "mi300x-bf16-tp1"}
    choice = ranked("Qwen/Qwen3-32B", machine=here, **asked)[0]
    assert {offer.line.split()[1] for offer in choice.offers} == {"launch"}
    assert not any("--machine" in offer.line for offer in choice.offers)


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({"data-parallel-size": "16"}, "--data-parallel-size 8"),
        ({"pipeline-parallel-size": "16"}, "--pipeline-parallel-size 8"),
        ({"tensor-parallel-size": "16"}, "--tensor-parallel-size 8"),
        ({"tensor-parallel-size": "8", "data-parallel-size": "8"}, "--data-parallel-size 1"),
    ],
)
def test_what_takes_more_gpus_than_there_are_is_offered_on_fewer(
    options: dict[str, str], change: str
) -> None:
    first = rank(catalogue().find(QWEN), box(), options=options)[0]
    assert (first.verdict, first.gpus) == ("NO", ())
    nearest = first.offers[0]
    assert (nearest.verdict, nearest.change) == ("FITS", change)
    assert nearest.line.startswith(f"%aim plan {QWEN} --")
    assert first.try_line == nearest.line


def test_a_context_is_offered_in_round_numbers_and_never_a_useless_one() -> None:
    first = rank(catalogue().find(QWEN), box(), context=9_000_000)[0]
    assert first.offers[0].change == "--context 32768"
    crowded = rank(catalogue().find(QWEN), box(), users=100_000)[0]
    assert crowded.verdict == "NO"
    assert not any("--context" in offer.change for offer in crowded.offers)
