"""What an administrator allows: believed only from root, and not loosened by anybody else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.core import adapters, api, cache, engines
from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, StateUnusable
from aim_jupyter.core.planning import merged, permission, policy
from aim_jupyter.core.planning.policy import Policy
from aim_jupyter.core.records import EngineEnvironment
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.start import containers
from tests.conftest import FakeEngine
from tests.core.cache.sound import sound_model
from tests.core.recipes import hostile, verdicts
from tests.core.recipes.hostile import Hostile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can write what is believed")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(policy, "FILE", folder / "policy.toml")
    return folder / "policy.toml"


def test_without_a_file_all_is_allowed(file: Path) -> None:
    assert policy.read() == Policy()
    assert policy.read().trusts("anybody/anything")


def test_what_the_file_says(file: Path) -> None:
    file.write_text('organisations = ["Qwen"]\nlisten = ["unix"]\nmax_idle = "2h"\n')
    found = policy.read()
    assert (found.idle_s, found.lifetime_s, found.listen) == (7200.0, None, ("unix",))
    assert found.trusts("Qwen/Qwen3-32B")
    for other in ("qwen/x", "QwenX/y", "Qwen", "/Qwen/x", "../Qwen/x"):
        assert not found.trusts(other) or other == "Qwen", other


@pytest.mark.parametrize(
    ("rules", "trusted", "not_trusted"),
    [
        ({}, ["s3://a/b", "https://x.org/m", "modelscope://A/b", "package:x", "A/b"], []),
        (
            {"organisations": ("Qwen",)},
            ["Qwen/x", "package:x"],
            ["s3://Qwen/x", "https://Qwen/x", "modelscope://Qwen/x", "A/b"],
        ),
        (
            {"model_sources": ("hub", "s3://models/ours", "modelscope")},
            ["A/b", "s3://models/ours", "s3://models/ours/x", "modelscope://A/b"],
            ["s3://models/ours-not", "s3://models", "https://x.org/m", "package:x", "/tmp/x"],
        ),
        (
            {"model_sources": ("https://x.org",)},
            ["https://x.org/m"],
            ["A/b", "https://x.org.evil/m"],
        ),
        (
            {"model_sources": ("hub", "s3"), "organisations": ("Qwen",)},
            ["Qwen/x", "s3://any/x"],
            ["A/b", "hub://x/y"],
        ),
    ],
)
def test_a_source_is_allowed_by_its_word_or_where_it_begins(
    rules: dict[str, Any], trusted: list[str], not_trusted: list[str]
) -> None:
    made = Policy(**rules)
    assert [one for one in trusted if not made.trusts(one)] == []
    assert [one for one in not_trusted if made.trusts(one)] == []


def test_what_came_from_elsewhere_is_judged_by_its_address() -> None:
    folder = cache.snapshot("s3://models/ours", "a" * 40)
    permission.model(Policy(model_sources=("s3://models",)), str(folder))
    with pytest.raises(ModelMissing, match="does not allow models from s3://models/ours"):
        permission.model(Policy(model_sources=("hub",)), str(folder))


def test_folders_are_trusted_by_where_they_really_are(tmp_path: Path) -> None:
    (tmp_path / "models/a").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models/link").symlink_to(tmp_path / "elsewhere")
    rules = Policy(organisations=(), folders=(str(tmp_path / "models"),))
    assert rules.trusts(str(tmp_path / "models/a"))
    assert not rules.trusts(str(tmp_path / "models/link"))
    assert not rules.trusts(str(tmp_path / "models/../elsewhere"))
    assert not rules.trusts(str(tmp_path / "models2"))
    (tmp_path / "models/a/weights").symlink_to(tmp_path / "models/b")
    assert rules.trusts(str(tmp_path / "models/a"))
    (tmp_path / "models/a/config.json").symlink_to("/etc/hostname")
    assert not rules.trusts(str(tmp_path / "models/a"))


@pytest.mark.parametrize(("mode", "uid"), [(0o666, 0), (0o664, 0), (0o644, 12345)])
def test_what_others_could_have_written_is_not_believed(file: Path, mode: int, uid: int) -> None:
    file.write_text("")
    file.chmod(mode)
    os.chown(file, uid, 0)
    with pytest.raises(StateUnusable, match="not believed") as caught:
        policy.read()
    assert "as root: chown root:root" in caught.value.hint


def test_a_folder_that_others_could_have_changed_is_not_believed(file: Path) -> None:
    file.write_text("")
    file.parent.chmod(0o777)
    with pytest.raises(StateUnusable, match="not believed"):
        policy.read()


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    file.symlink_to(tmp_path / "mine")
    with pytest.raises(StateUnusable, match="can't be read"):
        policy.read()


@pytest.mark.parametrize(
    "text", ["[", "organizations = []", 'max_idle = "soon"', "listen = ['all']"]
)
def test_what_is_not_understood_allows_nothing(file: Path, text: str, fake: FakeEngine) -> None:
    fake()
    file.write_text(text)
    with pytest.raises(StateUnusable, match="not understood"):
        api.plan(Request(model="demo"))


def test_no_variable_moves_it() -> None:
    source = Path(policy.__file__).read_text()
    assert str(policy.FILE) == "/etc/aim_jupyter/policy.toml"
    assert "environ" not in source
    assert "config" not in source.replace("_config", "")


def test_a_launch_is_held_to_it(file: Path, fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    file.write_text('organisations = ["Qwen"]\nmax_idle = "10m"\nmax_lifetime = "1h"\n')
    plan = api.plan(Request(model="demo", idle_s=None))
    assert (plan.idle_s, plan.lifetime_s) == (600.0, 3600.0)
    assert "--idle 10m: the administrator's limit" in plan.changes
    assert api.plan(Request(model="demo", idle_s=60.0)).idle_s == 60.0
    with pytest.raises(ModelMissing, match="does not allow models from") as caught:
        api.plan(Request(model=str(sound_model(tmp_path / "m"))))
    assert "Qwen" in caught.value.hint


def test_code_and_pickles_can_be_forbidden_even_by_name(file: Path, fake: FakeEngine) -> None:
    fake()
    file.write_text("remote_code = false\npickle = false\n")
    for option in ({"trust-remote-code": None}, {"--load-format": "pt"}):
        with pytest.raises(BadUsage):
            api.plan(Request(model="demo", options=option))


@pytest.fixture
def whole(fake: FakeEngine, vllm: EngineEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the fake engine all options of vLLM."""
    fake()
    choose = engines.choose

    def chosen(*words: Any, **options: Any) -> EngineEnvironment:
        return replace(choose(*words, **options), flags=vllm.flags, variables=vllm.variables)

    monkeypatch.setattr(engines, "choose", chosen)
    monkeypatch.setattr(engines, "answered", lambda _: [chosen()])


#: What would be loaded beside the model, in the words of a user or of a recipe.
BESIDE: dict[str, Any] = {
    "tokenizer": "evil/t",
    "hf-config-path": "/tmp/x",
    "generation-config": "/tmp/x",
    "chat-template": "/tmp/x.jinja",
    "lora-modules": ["a=evil/l"],
    "speculative-config": {"method": "eagle3", "model": "evil/d", "num_speculative_tokens": 2},
    "speculative-config.model": "evil/d",
    "spec-model": "evil/d",
}


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("option", BESIDE)
def test_what_is_loaded_beside_the_model_is_judged_like_it(file: Path, option: str) -> None:
    file.write_text('organisations = ["Qwen"]\n')
    with pytest.raises(ModelMissing, match="does not allow models from"):
        api.plan(Request(model="demo", options={option: BESIDE[option]}))
    file.write_text('organisations = ["evil"]\nfolders = ["/tmp"]\n')
    api.plan(Request(model="demo", options={option: BESIDE[option]}))


SPELLINGS = ["{}", "label={}", "file://{}", '{{"a": {{"b": ["{}"]}}}}']


@pytest.mark.parametrize("engine", sorted(verdicts.RECORDED))
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_whatever_option_names_a_file_it_is_judged(
    fake: FakeEngine, tmp_path: Path, engine: str, spelled: str
) -> None:
    """No list of options: a new engine's are judged before anybody has seen them."""
    fake()
    (tmp_path / "models").mkdir()
    rules = Policy(organisations=("Qwen",), folders=(str(tmp_path / "models"),))
    plan = replace(api.plan(Request(model="demo")), engine=engine, argv=("python", "serve"))
    options = [name for name in verdicts.names(verdicts.recorded(engine)) if name[:2] == "--"]
    assert len(options) > 250
    for option in (*options, "--brand-new"):
        for place, good in ((tmp_path / "models/x", True), (tmp_path / "x", False)):
            asked = replace(plan, argv=(*plan.argv, option, spelled.format(place)))
            if good and spelled[:4] == "file":
                continue  # an engine that can not read it so may refuse it, too
            if good:
                permission.plan(rules, asked)
            else:
                with pytest.raises(AimError, match="does not allow"):
                    permission.plan(rules, asked)


def test_containers_are_shown_what_was_judged_and_nothing_else(
    fake: FakeEngine, tmp_path: Path
) -> None:
    fake()
    (tmp_path / "drafter").mkdir()
    plan = api.plan(Request(model="demo"))
    words = ["--spec", f'{{"model": "{tmp_path / "drafter"}"}}', "--x", "/nowhere", "--y", "/"]
    asked = replace(plan, argv=(*plan.argv, *words))
    judged = {path for _, path in merged.opened(asked.argv, adapters.get("vllm"))}
    shown = {str(path) for path in containers._shown(asked)}
    assert shown == {plan.model_path, str(tmp_path / "drafter")}
    assert shown - {plan.model_path} <= judged


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("value", ["pt", "PT", "Pt", "npcache"])
def test_pickles_are_those_that_the_engine_reads_as_such(file: Path, value: str) -> None:
    file.write_text("pickle = false\n")
    asked: list[dict[str, Any]] = [
        {"load_format": value},
        {"speculative-config": {"draft_load_config": {"load_format": value}}},
    ]
    for options in asked:
        with pytest.raises(BadUsage, match="weights that are pickles"):
            api.plan(Request(model="demo", options=options))


@pytest.mark.usefixtures("whole")
def test_what_a_recipe_says_is_judged_too(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_RECIPES_PATH", str(tmp_path / "r"))
    drafter = {"speculative-config": {"method": "eagle3", "model": "evil/d"}}
    hostile.write(tmp_path / "r", Hostile("", drafter), "drafted")
    hostile.write(tmp_path / "r", Hostile("", {"trust-remote-code": None}), "coded")
    api.plan(Request(model="drafted"))
    file.write_text('organisations = ["Qwen"]\nremote_code = false\n')
    with pytest.raises(ModelMissing, match="evil/d"):
        api.plan(Request(model="drafted"))
    with pytest.raises(BadUsage, match="code that a model brings"):
        api.plan(Request(model="coded", options={"trust-remote-code": None}))
