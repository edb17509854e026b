"""Every verb says the same of a model folder: the list, why, verify, a plan, a launch, evict."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, cache
from aim_jupyter.core.cache import eviction, soundness, verification
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.planning import preflight
from aim_jupyter.core.records import CachedModel, EvictionRule
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.core.serving.state.test_starts import PLAN

MAKE = Path(__file__).parents[4] / "shared/fixtures/cache-layouts/make.py"
pytestmark = pytest.mark.skipif(not MAKE.exists(), reason="the layouts are not here")

#: Name, kind and state in the list, and a word of why it can't start; empty where it can.
LAYOUTS = {
    "l02": ("t/broken-link", "model", "incomplete", "model.safetensors"),
    "l05": ("t/no-refs", "model", "complete", ""),
    "l10": ("Qwen/Qwen3-0.6B", "model", "complete", ""),
    "l11": ("t/small-GGUF", "GGUF", "complete", "GGUF"),
    "l16": ("plain/cut-copy", "model", "complete", "model.safetensors is cut"),
    "l18": ("plain/html-config", "model", "complete", "is no JSON (a page of HTML)"),
    "l21": ("t/interrupted-update", "model", "incomplete", "older revision bbbbbbb is whole"),
    "l22": ("t/pickle-only", "model", "complete", "pickle"),
    "l23": ("t/tokenizer-only", "tokenizer", "complete", "not a model"),
    "l25": ("t/diffusers", "diffusers", "complete", "not a model of these engines"),
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> Path:
    fake()
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "made/hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "made/hub"


def made(hub: Path, layout: str) -> CachedModel:
    subprocess.run([sys.executable, MAKE, hub.parent, layout], check=True, capture_output=True)
    (model,) = cache.models()
    return model


def refused(name: str) -> str:
    """Return what a plan says, and a launch of the same: empty where both would start."""
    try:
        api.plan(Request(model=name))
    except AimError as error:
        return f"{error.found} {error.hint}"
    return ""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_verbs_agree(hub: Path, layout: str) -> None:
    name, kind, state, why = LAYOUTS[layout]
    listed = made(hub, layout)
    assert (listed.model, listed.kind, listed.state) == (name, kind, state)
    asked = api.can_start(name)
    plan = refused(name)
    print(f"{layout} {name}: {asked.reason or 'can start'} | plan: {plan or 'would start'}")  # noqa: T201
    assert asked.can_start == (not why) == (not plan)
    assert why in asked.reason
    assert asked.reason.rstrip(".") in plan, "the same words"
    located = cache.locate(name)
    assert located.path == listed.path or located.path == str(Path(listed.path or "").resolve())
    launched = replace(PLAN, model_path=str(located.path), revision=located.revision)
    with contextlib.ExitStack() as stack:
        if why:
            stack.enter_context(pytest.raises(AimError))
        preflight.check(launched)


@pytest.mark.parametrize(
    ("layout", "damaged", "missing"),
    [
        ("l02", (), ("model.safetensors",)),
        ("l05", (), ()),
        ("l10", (), ()),
        ("l11", (), ()),
        ("l16", ("model.safetensors",), ()),
        ("l18", ("config.json",), ()),
        ("l21", (), ("tokenizer.json", "model.safetensors")),
        ("l22", (), ()),
        ("l23", (), ()),
        ("l25", (), ()),
    ],
)
def test_verify_names_the_file(
    hub: Path, layout: str, damaged: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    found = verification.verify(made(hub, layout), lambda _: None)
    assert (found.damaged, found.missing) == (damaged, missing)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_evicted_leaves_nothing(hub: Path, layout: str) -> None:
    name = made(hub, layout).model
    (one,) = eviction.carry_out(eviction.decide(cache.models(), EvictionRule(models=(name,)), 0.0))
    assert one.done
    left = [path for path in hub.rglob("*") if not path.is_dir() or path.is_symlink()]
    assert [path.name for path in left if path.name != "cache_index.json"] == []
    assert cache.models() == []


@contextlib.contextmanager
def another_user() -> Iterator[None]:
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_another_user_has_is_not_missing(hub: Path) -> None:
    subprocess.run([sys.executable, MAKE, hub.parent, "l27"], check=True, capture_output=True)
    for folder in (hub, *hub.parents):
        if folder != Path("/") and os.geteuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    with another_user():
        (listed,) = cache.models()
        located = cache.locate("t/of-another-user")
        fault = soundness.refusal(located)
    assert listed.state == "unreadable"
    assert listed.reason is not None
    assert "it belongs to" in listed.reason
    assert not located.complete
    assert fault is not None
    assert "it belongs to" in fault.found
    (kept,) = eviction.decide([listed], EvictionRule(models=(listed.model,)), 0.0)
    assert not kept.evict
    assert kept.reason.startswith("not yours")


def test_an_adapter_names_its_base_and_the_line(hub: Path) -> None:
    folder = hub / "org/lora"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "Qwen/Qwen3-8B"})
    )
    (folder / "adapter_model.safetensors").write_bytes(b"")
    asked = api.can_start("org/lora")
    assert not asked.can_start
    assert "an adapter of Qwen/Qwen3-8B" in asked.reason
    assert asked.step.startswith("%aim launch Qwen/Qwen3-8B --enable-lora")
    assert "an adapter of Qwen/Qwen3-8B" in refused("org/lora")


def test_a_pointer_of_git_lfs_is_named(hub: Path) -> None:
    made(hub, "l16")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    for name in ("model.safetensors", "config.json"):
        (hub / "plain/cut-copy" / name).write_bytes(pointer)
    assert "a pointer of Git LFS" in api.can_start("plain/cut-copy").reason
