"""The changed launch line of a crash card: it runs as it stands, and changes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.commands import handlers, parsing
from aim_jupyter.core import adapters, engines
from aim_jupyter.core.adapters import Change, FailureRule
from aim_jupyter.core.recipes import Overrides, reconcile
from aim_jupyter.core.request import Request, words
from aim_jupyter.core.serving.crash import evidence, failures
from aim_jupyter.core.serving.crash.evidence import Words
from tests.core.serving.state.test_starts import PLAN

ASKED = ("Qwen/Qwen3-32B", "--users", "16", "--gpus", "5", "--max-num-seqs", "8", "--env", "A=1")
LAUNCHED = replace(PLAN, asked=ASKED, argv=("python", "--max-num-seqs", "8", "--seed", "3"))
WORDS = Words({"fits": "896", "free": "15.8"}, LAUNCHED)


def tried(*changes: Change, options: frozenset[str] = frozenset()) -> str:
    found = failures.attempt(changes, WORDS, LAUNCHED, options)
    return found.line if found else ""


def test_an_option_is_replaced_and_what_else_was_asked_stays() -> None:
    line = tried(Change(set={"max-num-seqs": "{fits}"}, drop=("users",)))
    assert line == "%aim launch Qwen/Qwen3-32B --gpus 5 --env A=1 --max-num-seqs 896"


def test_variables_are_added_beside_each_other() -> None:
    assert tried(Change(set={"env": "B=2"})).endswith("--env A=1 --env B=2")
    assert "--env" not in tried(Change(drop=("env",)))


def test_the_first_change_counts_that_can_be_made() -> None:
    unknown, refused = Change(run="%aim {nothing}"), Change(set={"no-such-flag": ""})
    known = Change(set={"enforce-eager": ""})
    options = frozenset({"--enforce-eager"})
    assert tried(unknown, refused, known, options=options).endswith(" --enforce-eager")
    assert tried(unknown) == ""


def test_a_change_that_changes_nothing_is_passed_over() -> None:
    assert tried(Change(set={"seed": "3"})) == ""
    assert tried(Change(drop=("port",))) == ""
    assert tried(Change(because="the same again")) == "%aim launch " + " ".join(ASKED)


def test_the_change_stands_in_the_line() -> None:
    found = failures.attempt([Change(set={"gpus": "4"}, because="free")], WORDS, LAUNCHED, ())
    assert found is not None
    assert (found.change, found.because) == ("--gpus 4", "free")
    assert found.change in found.line


RULES = [
    (rule, change)
    for engine in ("vllm", "sglang")
    for rule in failures.rules(engine)
    for change in rule.change
    if not change.run
]


@pytest.mark.parametrize(("rule", "change"), RULES)
def test_every_launch_line_of_the_rules_is_understood(rule: FailureRule, change: Change) -> None:
    request = _understood(rule, change)
    assert request.model == "Qwen/Qwen3-32B"
    assert request.users == (None if "users" in change.drop else 16)


@pytest.mark.engine
def test_the_real_parser_takes_every_change(real_engine: None) -> None:
    environment = engines.choose(platform="cpu")
    assert engines.options(Path(environment.python)) >= {"--max-model-len", "--uds"}
    for rule, change in RULES:
        if rule in adapters.get("sglang").failures:
            continue
        request = _understood(rule, change)
        done = reconcile({}, {}, flags=environment.flags, overrides=Overrides(set=request.options))
        assert not done.errors, (rule.match, done.errors)


def _understood(rule: FailureRule, change: Change) -> Request:
    words = dict.fromkeys([*rule.pattern.groupindex, "free_gpus", "half_free"], "7")
    words |= dict.fromkeys([*rule.groups, *evidence._LOOKS], "7")
    words |= {"less_util": "0.85", "more_util": "0.95", "fits": "896", "limit": "2048"}
    words |= {"fitting": "896"}
    words |= {
        "rank": "64",
        "no_aiter": "VLLM_ROCM_USE_AITER=0",
        "cache_env": "TRITON_CACHE_DIR=/tmp/triton",
    }
    found = failures.attempt([change], words | {"model": "x"}, replace(LAUNCHED, argv=("p",)), ())
    if found is None:
        # It only takes away what was not asked for here.
        assert change.drop
        assert not change.set
        return Request(model="Qwen/Qwen3-32B", users=16)
    command, given = parsing.parse(parsing.split(found.line.removeprefix("%aim")))
    assert command.name == "launch"
    return handlers.request(given)


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True).filter(
    lambda name: not name.startswith("no-")
)
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
KNOWN = {"recipe", "gpus", "precision", "metric", "users", "context", "engine", "name", "new"}
KNOWN |= {"port", "idle", "for", "force", "set", "unset", "env", "help", "listen"}


@given(
    model=ANY.filter(lambda text: text.strip() and not text.startswith("-")),
    options=st.dictionaries(NAMES.filter(lambda name: name not in KNOWN), st.none() | ANY),
    users=st.none() | st.integers(1, 99),
    env=st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), ANY, max_size=2),
    idle=st.none() | st.integers(1, 9999).map(float),
)
def test_a_launch_line_asks_for_what_was_asked(
    model: str, options: dict[str, str | None], users: int | None, env: dict[str, str], idle: float
) -> None:
    asked = Request(model=model, users=users, options=options, env=env, idle_s=idle)
    said = words.words(asked)
    _, given = parsing.parse(["launch", *said])
    assert words.words(handlers.request(given)) == said


def test_a_secret_is_not_in_the_line() -> None:
    env = {"HF_TOKEN": "hf_x", "OPENAI_API_KEY": "sk-y", "AWS_SECRET_ACCESS_KEY": "z", "B": "1"}
    said = words.words(Request(model="demo", env=env))
    assert said == ("demo", "--env", "B=1")
