"""A model folder as people have them, and six verbs: each says the same of it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, cache
from aim_jupyter.core.cache import Located, verification
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.planning import preflight
from aim_jupyter.core.request import Request
from aim_jupyter.panel.controller import answers_for
from aim_jupyter.panel.state import Form
from tests.conftest import FakeEngine
from tests.core.serving.state.test_starts import PLAN

COMMIT = "a" * 40
NAME = "org/model"
Files = dict[str, bytes]


def said(value: Any) -> bytes:
    return json.dumps(value).encode()


def weights(size: int = 4096) -> bytes:
    head = said({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}})
    return struct.pack("<Q", len(head)) + head + bytes(size)


CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
    "intermediate_size": 128, "vocab_size": 256, "max_position_embeddings": 2048,
}  # fmt: skip
PARAMS = said(
    {"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 4, "head_dim": 16, "hidden_dim": 128,
     "vocab_size": 256, "norm_eps": 1e-5, "max_position_embeddings": 2048}
)  # fmt: skip
HTML = b"<!DOCTYPE html><html><title>401</title></html>" * 99
WHOLE: Files = {
    "config.json": said(CONFIG),
    "tokenizer.json": said({"version": "1.0", "model": {"type": "BPE", "vocab": {}}}),
    "model.safetensors": weights(),
}
PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
INDEX = said({"weight_map": {"a": PARTS[0], "b": PARTS[1]}})
SHARDED: Files = {
    **{name: WHOLE[name] for name in ("config.json", "tokenizer.json")},
    **dict.fromkeys(PARTS, weights()),
    "model.safetensors.index.json": INDEX,
}
MISTRAL: Files = {
    "params.json": PARAMS,
    "consolidated.safetensors": weights(),
    "tekken.json": said({"vocab": []}),
}
BASE = said({"base_model_name_or_path": "org/base"})


def less(files: Files, *names: str) -> Files:
    return {name: data for name, data in files.items() if name not in names}


class Case(NamedTuple):
    """Files, a word of why they can't start (empty where they can), the list's kind and state."""

    files: Files
    why: str = ""
    kind: str = "model"
    state: str = "complete"


CASES = {
    "whole": Case(WHOLE),
    "sharded": Case(SHARDED),
    "a shard is absent": Case(less(SHARDED, PARTS[1]), f"lacks {PARTS[1]}", state="incomplete"),
    "a shard is empty": Case({**SHARDED, PARTS[1]: b""}, "is empty", state="incomplete"),
    "an index is cut": Case(
        {**SHARDED, "model.safetensors.index.json": b"{"}, "index.json", state="incomplete"
    ),
    "an index leads out of the folder": Case(
        {
            **SHARDED,
            "model.safetensors.index.json": said({"weight_map": {"a": "../x.safetensors"}}),
        },
        "../x.safetensors",
        state="incomplete",
    ),
    "what no index names": Case({**SHARDED, "old.safetensors": HTML}),
    "weights are a page": Case({**WHOLE, "model.safetensors": HTML}, "model.safetensors"),
    "weights are cut": Case({**WHOLE, "model.safetensors": weights()[:-9]}, "is cut"),
    "a config with a byte order mark": Case(
        {**WHOLE, "config.json": b"\xef\xbb\xbf" + said(CONFIG)}, "config.json is no JSON"
    ),
    "a config in UTF-16": Case(
        {**WHOLE, "config.json": json.dumps(CONFIG).encode("utf-16")}, "config.json is no JSON"
    ),
    "a config that is cut": Case({**WHOLE, "config.json": b'{"model_ty'}, "is no JSON"),
    "a config that is a list": Case({**WHOLE, "config.json": b"[]"}, "holds no object"),
    "an empty config": Case({**WHOLE, "config.json": b""}, "config.json", state="incomplete"),
    "no tokenizer": Case(less(WHOLE, "tokenizer.json"), "tokenizer.json", state="incomplete"),
    "a tokenizer that is a page": Case({**WHOLE, "tokenizer.json": HTML}, "a page of HTML"),
    "an adapter's file beside a model": Case({**WHOLE, "adapter_config.json": BASE}),
    "an adapter": Case(
        {"adapter_config.json": BASE, "adapter_model.safetensors": weights()},
        "an adapter of org/base",
        "adapter",
    ),
    "a pickle beside safetensors": Case({**WHOLE, "pytorch_model.bin": b"x"}),
    "a pickle": Case(
        {**less(WHOLE, "model.safetensors"), "pytorch_model.bin": b"x"}, "are pickles"
    ),
    "Mistral's": Case(MISTRAL),
    "Mistral's with another tokenizer": Case(
        {**less(MISTRAL, "tekken.json"), "tokenizer.json": WHOLE["tokenizer.json"]}
    ),
    "Mistral's with an older tokenizer": Case(
        {**less(MISTRAL, "tekken.json"), "tokenizer.model.v3": b"x"}
    ),
    "Mistral's without weights": Case(
        less(MISTRAL, "consolidated.safetensors"), "lacks consolidated", state="incomplete"
    ),
    "Mistral's without tokenizer": Case(
        less(MISTRAL, "tekken.json"), "lacks tokenizer.json", state="incomplete"
    ),
    "Mistral's that is cut": Case(
        {**MISTRAL, "consolidated.safetensors": weights()[:-9]}, "consolidated.safetensors is cut"
    ),
    "Mistral's with broken params": Case({**MISTRAL, "params.json": b"{"}, "params.json is no"),
    "Mistral's beside Transformers'": Case({**WHOLE, **MISTRAL}),
    "one piece beside shards": Case({**SHARDED, "consolidated.safetensors": weights()}),
    "one piece that is cut beside shards": Case(
        {**SHARDED, "consolidated.safetensors": weights()[:-9]}, "consolidated.safetensors is cut"
    ),
    "diffusers": Case(
        {"model_index.json": b"{}", "unet/config.json": b"{}", "unet/d.safetensors": weights()},
        "made for diffusers",
        "diffusers",
    ),
    "ONNX": Case(
        {**less(WHOLE, "model.safetensors"), "onnx/model.onnx": b"x"},
        "for another program (onnx/model.onnx)",
        "tokenizer",
        "incomplete",
    ),
    "GGUF": Case({"m-Q4_K_M.gguf": b"GGUF"}, "is GGUF", "GGUF"),
    "GGUF in parts": Case(
        {f"Q4/m-0000{part}-of-00002.gguf": b"GGUF" for part in (1, 2)}, "is GGUF", "GGUF"
    ),
    "MLX": Case(
        {**WHOLE, "config.json": said({**CONFIG, "quantization": {"bits": 4, "group_size": 64}})},
        "quantized for MLX",
    ),
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> Path:
    fake()
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "hub"


def cached(hub: Path, files: Files, repo: str = NAME) -> Path:
    """Write files as the Hub's library does, and return the repository's folder."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    for name, data in files.items():
        large = name.endswith((".safetensors", ".gguf", ".bin", ".onnx"))
        key = hashlib.sha256(data) if large else hashlib.sha1(b"blob %d\0" % len(data) + data)
        blob, link = folder / "blobs" / key.hexdigest(), folder / "snapshots" / COMMIT / name
        for each in (blob, link):
            each.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text(COMMIT)
    return folder


def plain(hub: Path, files: Files, repo: str = NAME) -> Path:
    """Write files as a download into a folder does, and return that."""
    for name, data in files.items():
        (hub / repo / name).parent.mkdir(parents=True, exist_ok=True)
        (hub / repo / name).write_bytes(data)
    return hub / repo


def refused(name: str) -> str:
    """Return why a plan says no, empty where it does not."""
    try:
        api.plan(Request(model=name))
    except AimError as error:
        return error.found
    return ""


def verdicts(name: str) -> dict[str, str]:
    """Return why each verb would not start a model, empty where it would."""
    asked = api.can_start(name)
    here = cache.locate(name) if not name.startswith("/") else Located(path=name)
    found = {"why": asked.reason, "plan": refused(name), "launch": ""}
    try:
        preflight.check(replace(PLAN, model_path=str(here.path), revision=here.revision))
    except AimError as error:
        found["launch"] = error.found
    *_, last = answers_for(Form(chosen=Request(model=name)))
    found["panel"] = " ".join(last.error)
    return found


LAYOUTS: dict[str, Callable[[Path, Files, str], Path]] = {"hub": cached, "plain": plain}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_six_verbs_agree(hub: Path, layout: str) -> None:
    # All in one cache: an engine is looked for once.
    names = {case: f"org/model{number}" for number, case in enumerate(CASES)}
    folders = {case: LAYOUTS[layout](hub, CASES[case].files, names[case]) for case in CASES}
    listed = {one.model: one for one in cache.models()}
    wrong = []
    for case, (_, why, kind, state) in CASES.items():
        model = listed[names[case]]
        found = verdicts(names[case])
        checked = verification.verify(model, lambda _: None)
        print(f"{case:40} {model.kind:9} {model.state:10} {found['why'][-70:]}")  # noqa: T201
        agree = all((why in each if why else not each) for each in found.values())
        # One answer, in one verb's words and in the others'.
        same = all(found["why"].rstrip(".") in each for each in found.values())
        other = kind in ("adapter", "GGUF", "diffusers") or "pickle" in why or "MLX" in why
        broken = bool(checked.damaged or checked.missing) == (bool(why) and not other)
        by_path = layout != "plain" or bool(refused(str(folders[case]))) == bool(why)
        if not (agree and same and broken and by_path) or (model.kind, model.state) != (
            kind,
            state,
        ):
            wrong.append((case, model.kind, model.state, checked, found))
    assert not wrong


def test_a_model_one_folder_down_is_named(hub: Path) -> None:
    folder = cached(hub, {f"inner/{name}": data for name, data in WHOLE.items()})
    asked = api.can_start(NAME)
    inner = folder / "snapshots" / COMMIT / "inner"
    assert "A model lies in its folder inner." in asked.reason
    assert asked.step == f"%aim launch {inner}"
    assert api.can_start(str(inner)).can_start


REFS = {
    "with a newline": f"{COMMIT}\n",
    "with blanks": f"  {COMMIT}  \n\n",
    "empty": "",
    "ahead of what has come": "b" * 40,
    "of a folder above": "..",
    "of a path": "../snapshots",
}


@pytest.mark.parametrize("ref", REFS)
def test_a_ref_that_leads_nowhere_hides_no_revision(hub: Path, ref: str) -> None:
    (cached(hub, WHOLE) / "refs/main").write_text(REFS[ref])
    assert not any(verdicts(NAME).values())
    (listed,) = cache.models()
    assert (listed.state, listed.revision) == ("complete", COMMIT)


@pytest.mark.parametrize("lost", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("how", ["removed", "a loop", "a folder"])
def test_a_link_to_nothing_is_named(hub: Path, lost: str, how: str) -> None:
    link = cached(hub, WHOLE) / "snapshots" / COMMIT / lost
    if how == "removed":
        link.resolve().unlink()
    else:
        link.unlink()
        link.symlink_to(lost) if how == "a loop" else link.mkdir()
    found = verdicts(NAME)
    assert all(f"lacks {lost}" in each for each in found.values()), found
    (listed,) = cache.models()
    assert listed.state == "incomplete"
    assert verification.verify(listed, lambda _: None).missing == (lost,)
