"""Whether a model can start from what is on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter import demo
from aim_jupyter.core import cache
from aim_jupyter.core.cache.locating import missing_files
from tests.core.cache.folders import COMMIT, WHOLE, cached


def test_a_whole_model_is_complete() -> None:
    folder = cached("Org/Model", *WHOLE)
    located = cache.locate("Org/Model")
    assert located.complete
    assert located.revision == COMMIT
    assert located.path == str(folder / "snapshots" / COMMIT)


def test_the_demo_is_complete() -> None:
    assert missing_files(demo.FOLDER) == ()


def test_nothing_on_disk_lacks_everything() -> None:
    located = cache.locate("nobody/nothing")
    assert (located.path, located.missing) == (None, ("everything",))
    assert not located.complete


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ((), ("config.json", "tokenizer.json", "model.safetensors")),
        (("config.json", "tokenizer.json"), ("model.safetensors",)),
        (("config.json", "model.safetensors"), ("tokenizer.json",)),
        (("config.json", "tekken.json", "consolidated.safetensors"), ()),
        (("config.json", "tokenizer.model", "pytorch_model.bin"), ()),
        (("config.json", "vocab.json", "model.safetensors"), ()),
        (
            ("config.json", "tokenizer.json", "model-00002-of-00003.safetensors"),
            ("model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"),
        ),
    ],
)
def test_what_an_engine_needs_is_named(names: tuple[str, ...], missing: tuple[str, ...]) -> None:
    cached("Org/Model", *names)
    assert cache.locate("Org/Model").missing == missing


def test_the_index_says_which_shards_there_are() -> None:
    folder = cached(
        "Org/Model", "config.json", "tokenizer.json", "model-00001-of-00002.safetensors"
    )
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = folder / "snapshots" / COMMIT / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict(zip("ab", shards, strict=True))}))
    assert cache.locate("Org/Model").missing == (shards[1],)


def test_a_link_to_nothing_is_missing() -> None:
    folder = cached("Org/Model", *WHOLE)
    (folder / "blobs" / "model.safetensors").unlink()
    assert cache.locate("Org/Model").missing == ("model.safetensors",)


@pytest.mark.parametrize("revision", [COMMIT, "v1", "refs/pr/3"])
def test_a_revision_is_a_commit_a_branch_or_a_request(revision: str) -> None:
    folder = cached("Org/Model", *WHOLE, ref=None)
    (folder / "refs" / "refs" / "pr").mkdir(parents=True)
    (folder / "refs" / "v1").write_text(COMMIT + "\n")
    (folder / "refs" / "refs" / "pr" / "3").write_text(COMMIT)
    assert cache.locate("Org/Model", revision).complete
    assert not cache.locate("Org/Model").named, "there is no main: the newest is taken by its path"


INDEX = st.binary(max_size=40) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda of: st.dictionaries(
        st.sampled_from(["weight_map", "a"]), of) | st.lists(of), max_leaves=5
).map(lambda value: json.dumps(value).encode())  # fmt: skip


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(content=INDEX)
def test_a_broken_index_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors.index.json").write_bytes(content)
    assert "config.json" in missing_files(tmp_path)
