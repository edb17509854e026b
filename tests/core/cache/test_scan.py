"""What lies in a cache, held against `huggingface_hub`'s own scan, and looked at again."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import cache
from aim_jupyter.core.cache import needs, scan
from aim_jupyter.core.cache.reader import LARGE
from tests.core.cache.folders import COMMIT, WHOLE, cached

NAMES = st.sampled_from(["config.json", "a.safetensors", "b.bin", "sub/c.json", "sub/deep/d.txt"])
REVISIONS = st.dictionaries(NAMES, st.sampled_from(["x" * 40, "y" * 40, "z" * 64]), max_size=4)
REPOS = st.dictionaries(
    st.sampled_from(["models--Org--One", "models--two", "datasets--Org--Three"]),
    st.lists(REVISIONS, min_size=1, max_size=3),
    max_size=3,
)


def build(root: Path, repos: dict[str, list[dict[str, str]]], unfinished: int) -> None:
    """Make a cache: of each repository its revisions, of each the blob behind each name."""
    for folder, revisions in repos.items():
        blobs = root / folder / "blobs"
        blobs.mkdir(parents=True)
        (root / folder / "refs").mkdir()
        for number, files in enumerate(revisions):
            snapshot = root / folder / "snapshots" / (str(number) * 40)
            snapshot.mkdir(parents=True)
            (root / folder / "refs" / ("main" if not number else f"v{number}")).write_text(
                snapshot.name
            )
            for name, blob in files.items():
                (blobs / blob).write_bytes(bytes(len(blob) + ord(blob[0])))
                (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
                (snapshot / name).symlink_to(blobs / blob)
        for number in range(unfinished):
            (blobs / f"{number}.incomplete").write_bytes(bytes(5000))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
    deadline=None,
)
@given(repos=REPOS, unfinished=st.integers(0, 2))
def test_it_finds_what_the_hubs_own_scan_finds(
    tmp_path: Path, repos: dict[str, list[dict[str, str]]], unfinished: int
) -> None:
    root = tmp_path / "hub"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    build(root, repos, unfinished)
    theirs = {str(repo.repo_path): repo for repo in scan_cache_dir(root).repos}
    ours = {repo.path: repo for repo in scan.scan(root)}
    assert set(ours) == set(theirs)
    for path, repo in ours.items():
        their = theirs[path]
        assert (repo.name, repo.size_bytes) == (their.repo_id, their.size_on_disk)
        assert set(repo.refs) == set(their.refs)
        found = {one.commit: (one.files, one.size_bytes) for one in repo.revisions}
        assert found == {
            one.commit_hash: (one.nb_files, one.size_on_disk) for one in their.revisions
        }
        assert len(repo.unfinished) == unfinished
    assert scan.scan(root) == list(ours.values())


def model() -> Path:
    """Return the folder of a model that has been looked at, long enough ago to be remembered."""
    folder = cached("Org/Model", *WHOLE)
    (folder / "blobs" / "model.safetensors").write_bytes(bytes(LARGE))
    old = time.time() - 100
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (old, old), follow_symlinks=False)
    scan.scan(folder.parent)
    assert str(folder) in scan._seen
    return folder


def add_link(folder: Path) -> None:
    (folder / "snapshots" / COMMIT / "more.json").symlink_to(folder / "blobs" / "config.json")


def add_deep_revision(folder: Path) -> None:
    (folder / "snapshots" / ("b" * 40)).mkdir()


def list_files(folder: Path) -> None:
    """Keep the list of a revision's files, as `huggingface_hub` does."""
    (folder / "trees").mkdir()
    listed = {name: {"size": 1000} for name in (*WHOLE, "README.md")}
    (folder / "trees" / f"{COMMIT}.json").write_text(json.dumps({"files": listed}))


CHANGES: list[Callable[[Path], object]] = [
    add_link,
    add_deep_revision,
    lambda folder: (folder / "snapshots" / COMMIT / "config.json").unlink(),
    lambda folder: (folder / "blobs" / "model.safetensors").unlink(),
    lambda folder: (folder / "blobs" / "config.json").unlink(),
    lambda folder: (folder / "blobs" / "model.safetensors").write_bytes(b"cut short"),
    lambda folder: (folder / "blobs" / "new.incomplete").write_bytes(bytes(5000)),
    lambda folder: (folder / "refs" / "v1").write_text(COMMIT),
    # As the Hub's library does it: into the file, so that its folder shows no change.
    lambda folder: (folder / "refs" / "main").write_text("b" * 40),
    list_files,
    lambda folder: shutil.rmtree(folder / "snapshots"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_second_look_sees_what_has_changed(change: Callable[[Path], object]) -> None:
    folder = model()
    change(folder)
    again = scan.scan(folder.parent)
    scan._seen.clear()
    assert again == scan.scan(folder.parent)


def test_a_kept_list_says_what_a_whole_download_comes_to() -> None:
    folder = model()
    assert cache.models()[0].expected_bytes is None
    list_files(folder)
    (found,) = cache.models()
    assert found.expected_bytes == 3000, "without the README, which no engine needs"
    (folder / "trees" / f"{COMMIT}.json").write_text("{ cut")
    scan._seen.clear()
    assert cache.models()[0].expected_bytes is None


def test_a_second_look_at_nothing_new_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model()
    before = scan.scan(folder.parent)
    monkeypatch.setattr(scan, "_anew", lambda *_: pytest.fail("it was read again"))
    assert scan.scan(folder.parent) == before


def test_what_has_just_changed_is_not_believed_yet() -> None:
    folder = cached("Org/Model", *WHOLE)
    scan.scan(folder.parent)
    assert str(folder) not in scan._seen


def test_listing_models_is_not_using_them() -> None:
    folder = model()
    (one,) = cache.models()
    then = one.last_used_at
    (folder / "snapshots" / COMMIT / "config.json").read_bytes()
    os.utime(folder / "blobs" / "config.json")
    scan._seen.clear()
    assert cache.models()[0].last_used_at == then
    os.utime(folder / "blobs" / "model.safetensors")
    assert (cache.models()[0].last_used_at or 0) > (then or 0)


def test_aims_layout_is_seen_in_any_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIM_CACHE_PATH", str(tmp_path / "aim"))
    folder = tmp_path / "aim" / "Org" / "Model"
    folder.mkdir(parents=True)
    for name in WHOLE:
        (folder / name).write_text("{}")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "x.metadata").write_text("x")
    (tmp_path / "aim" / "Org" / "empty").mkdir()
    cached("Other/Model", *WHOLE)
    found = {one.model: (one.state, one.files, one.revision) for one in cache.models()}
    assert found == {"Org/Model": ("complete", 3, None), "Other/Model": ("complete", 3, COMMIT)}
    assert cache.locate("Org/Model").path == str(folder)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (WHOLE, "model"),
        (("config.json", "model.safetensors.index.json"), "model"),
        (("config.json", "tokenizer.json"), "tokenizer"),
        (("config.json",), "config"),
    ],
)
def test_what_of_a_model_is_there(names: tuple[str, ...], kind: str) -> None:
    cached("Org/Model", *names)
    assert cache.models()[0].kind == kind


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("config.json README.md a.safetensors a.bin", "config.json a.safetensors"),
        (
            "params.json consolidated.safetensors model-00001-of-00001.safetensors tekken.json",
            "params.json consolidated.safetensors tekken.json",
        ),
        (
            "model.safetensors.index.json one.safetensors two.safetensors other.safetensors",
            "model.safetensors.index.json one.safetensors two.safetensors",
        ),
        ("original/consolidated.safetensors x.safetensors", "x.safetensors"),
        (
            "tokenizer.model qwen.tiktoken modeling_x.py",
            "tokenizer.model qwen.tiktoken modeling_x.py",
        ),
    ],
)
def test_weights_are_downloaded_in_one_format(names: str, chosen: str) -> None:
    index = b'{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}'
    assert needs.chosen(names.split(), lambda _: index) == chosen.split()


@pytest.mark.parametrize(
    ("names", "config_json", "missing"),
    [
        ("consolidated.safetensors params.json tekken.json", b"", ()),
        ("consolidated.safetensors tekken.json", b"", ("config.json",)),
        (
            "a.safetensors config.json tokenizer.json",
            b'{"vision_config": {"a": 1}}',
            ("preprocessor_config.json",),
        ),
        (
            "a.safetensors config.json tokenizer.json processor_config.json",
            b'{"vision_config": {"a": 1}}',
            (),
        ),
        ("a.safetensors config.json tiktoken.model", b"no JSON", ()),
    ],
)
def test_what_an_engine_can_not_start_without(
    names: str, config_json: bytes, missing: tuple[str, ...]
) -> None:
    assert needs.missing(set(names.split()), lambda _: config_json) == missing


def test_a_shared_cache_is_read_and_never_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "shared"))
    cached("Org/Model", *WHOLE)
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("AIM_SHARED_CACHE_DIR", str(tmp_path / "shared"))
    (one,) = cache.models()
    assert (one.shared, one.state) == (True, "complete")
    located = cache.locate("Org/Model")
    assert (located.complete, located.root) == (True, str(tmp_path / "shared"))
    monkeypatch.setenv("AIM_CACHE_ENABLED", "0")
    assert cache.models() == []
