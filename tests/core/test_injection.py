"""Names, values and paths from outside stay what they are: never an option, a path, or markup."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import api, config
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.core.recipes import Overrides, reconcile
from aim_jupyter.core.records import Flag
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.state.folder import check_name, folders, name_for
from tests.conftest import FakeEngine
from tests.core.cache.sound import sound_model

HOSTILE = [
    *("--foo", "--x/y", "-c", "../x", "../../etc/passwd", "a/../../b", "<img onerror=x>", "a\0b"),
    *("a;rm -rf ~", "$(id)", "`id`", "a b", "a\nb", "\u202egnp", "'", '"', "%s", "{0}", "x" * 500),
]
ANY = st.sampled_from(HOSTILE) | st.text(max_size=40)
SLOW = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


@SLOW
@given(text=ANY)
def test_a_servers_name_is_one_folder_whatever_it_was_made_of(text: str) -> None:
    name = check_name(name_for(text))
    assert (config.servers_dir() / name).parent == config.servers_dir()
    assert not name.startswith((".", "-"))


@SLOW
@given(text=ANY)
def test_what_can_not_be_a_name_is_refused(text: str) -> None:
    try:
        name = check_name(text)
    except BadUsage:
        pass
    else:
        assert (config.servers_dir() / name).parent == config.servers_dir()
        assert not name.startswith((".", "-"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_model_is_an_error_and_leaves_nothing(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    fake()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AimError):
        api.launch(Request(model=text))
    assert list(folders()) == []


FLAGS = (
    Flag(names=("--chat-template",)),
    Flag(names=("--names",), many=True),
    Flag(names=("--trust-remote-code",), takes_value=False),
)


def parsed(words: tuple[str, ...]) -> argparse.Namespace:
    """Parse as an engine would; options whose value may be left out are the dangerous ones."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--chat-template", nargs="?")
    parser.add_argument("--names", nargs="*")
    parser.add_argument("--trust-remote-code", action="store_true")
    return parser.parse_args(list(words))


@SLOW
@given(value=ANY | st.just("--trust-remote-code"))
def test_a_value_is_never_an_option(value: str) -> None:
    for done in (
        reconcile({"chat-template": value}, {}, flags=FLAGS),
        reconcile({}, {}, flags=FLAGS, overrides=Overrides(set={"chat-template": value})),
    ):
        given_to = parsed(done.argv)
        assert (given_to.trust_remote_code, given_to.chat_template) == (False, value)


@SLOW
@given(many=st.lists(ANY | st.just("--trust-remote-code"), min_size=1, max_size=3))
def test_nor_is_one_of_several(many: list[str]) -> None:
    given_to = parsed(reconcile({"names": many}, {}, flags=FLAGS).argv)
    assert not given_to.trust_remote_code
    assert given_to.names in (many, None)


def test_a_folder_with_a_hostile_name_is_one_word(fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    for name in ("--trust-remote-code", "a b;id", "<img src=x onerror=y>", "$(id)"):
        folder = sound_model(tmp_path / name)
        plan = api.plan(Request(model=str(folder)))
        assert isinstance(plan.argv, tuple)
        assert plan.argv[plan.argv.index("--model") + 1] == str(folder)
        assert "--trust-remote-code" not in plan.argv
        assert (config.servers_dir() / check_name(plan.server)).parent == config.servers_dir()
