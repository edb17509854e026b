"""From what a user types to a model, and to where its files are."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter import demo
from aim_jupyter.core import config, recipes
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, UnknownName
from aim_jupyter.core.planning import resolving
from aim_jupyter.core.records import Recipe, Weights
from tests.core.cache.folders import WHOLE, cached
from tests.hub import model_files


def folder_of_a_model(folder: Path, **more: bytes) -> Path:
    """Write a small model into `folder`, as far as anything looks into it before the engine."""
    folder.mkdir(parents=True)
    for name, data in model_files().items():
        if "/" not in name:
            (folder / name).write_bytes(data)
    for name, data in more.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def recipe(repo: str, revision: str | None = None) -> Recipe:
    weights = Weights(repo=repo, precision="bf16", revision=revision)
    return Recipe(id="x", model="x", weights=weights, gpu_model="cpu")


def test_a_name_of_the_catalogue_is_found_without_regard_to_case() -> None:
    assert resolving.model("demo").name == "demo"
    assert resolving.model("DEMO").name == "demo"


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        resolving.model("dmeo")
    assert caught.value.nearest == ["demo"]


@pytest.mark.parametrize("spelled", ["{}", "{}/", "./model", "~/model"])
def test_a_folder_is_a_model_under_its_whole_path(
    isolated: Path, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    folder = folder_of_a_model(isolated / "home" / "model")
    monkeypatch.chdir(isolated / "home")
    found = resolving.model(spelled.format(folder))
    assert found.name == str(folder)
    assert found.recipes[0].weights.repo == str(folder)


def test_the_folder_of_another_name_is_no_path(
    isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `demo` is a name also where a folder of that name stands beside the notebook.
    monkeypatch.chdir(isolated)
    folder_of_a_model(isolated / "demo")
    assert resolving.place(resolving.model("demo").recipes[0]).path == str(demo.FOLDER)


@pytest.mark.parametrize(
    "path",
    ["/no/such/model", "~nobody-of-that-name/model", "./" + "x" * 300, "./a\0b", "/dev/null"],
)
def test_a_path_that_leads_nowhere_is_told(path: str) -> None:
    with pytest.raises(ModelMissing, match="There is no folder") as caught:
        resolving.model(path)
    assert len(caught.value.lines) == 2


def test_a_folder_that_lacks_files_says_which(tmp_path: Path) -> None:
    folder = folder_of_a_model(tmp_path / "half")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelMissing, match=r"no complete model: it lacks tokenizer\.json"):
        resolving.model(str(folder))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b'"x"'])
def test_a_config_that_cannot_be_read_is_told(tmp_path: Path, content: bytes) -> None:
    folder = folder_of_a_model(tmp_path / "broken", config__json=content)
    with pytest.raises(ModelMissing, match=r"config\.json"):
        resolving.model(str(folder))


@settings(max_examples=40, deadline=None)
@given(
    facts=st.dictionaries(
        st.sampled_from(sorted(json.loads(model_files()["config.json"]))),
        st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2),
    )
)
def test_a_config_with_any_values_is_a_model_or_told(
    tmp_path_factory: pytest.TempPathFactory, facts: dict[str, object]
) -> None:
    content = json.dumps({**json.loads(model_files()["config.json"]), **facts}).encode()
    folder = folder_of_a_model(tmp_path_factory.mktemp("any") / "model", config__json=content)
    with contextlib.suppress(AimError):
        assert resolving.model(str(folder)).name == str(folder)


def test_the_demo_lies_in_the_package_and_asks_nobody() -> None:
    placed = resolving.place(recipes.catalogue().find("demo").recipes[0])
    assert placed.path == str(demo.FOLDER)
    assert placed.download is None
    assert placed.env == {"HF_HUB_OFFLINE": "1"}


def test_a_folder_is_where_it_is(tmp_path: Path) -> None:
    placed = resolving.place(recipe(str(tmp_path)))
    assert (placed.path, placed.download) == (str(tmp_path), None)


def test_weights_are_streamed_from_a_bucket_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bucket, asked = recipe("s3://models/x"), {"load-format": "runai_streamer"}
    placed = resolving.streamed(bucket, asked)
    assert placed is not None
    assert (placed.path, placed.download) == ("s3://models/x", None)
    assert placed.source is not None
    assert placed.source.kind == "s3"
    assert placed.env["RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING"] == "0"
    assert placed.env["VLLM_ASSETS_CACHE"].startswith(str(config.model_cache_dir()))
    assert resolving.streamed(bucket, {}) is None
    assert resolving.streamed(recipe("Org/Model"), asked) is None


def test_what_is_cached_is_used_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    cached("Org/Model", *WHOLE)
    placed = resolving.place(recipe("Org/Model"))
    assert (placed.path, placed.download, placed.revision) == ("Org/Model", None, "a" * 40)
    assert placed.env["HF_HUB_CACHE"] == str(config.model_cache_dir())


def test_half_a_model_has_to_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    cached("Org/Model", "config.json")
    with pytest.raises(Offline, match="Offline, nothing can be downloaded"):
        resolving.place(recipe("Org/Model"))


def test_a_cached_config_tells_the_model_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = cached("Org/Model", *WHOLE)
    (folder / "blobs" / "config.json").write_bytes(model_files()["config.json"])
    assert resolving.model("Org/Model").name == "Org/Model"


def test_the_cache_of_amds_runtime_is_looked_into_first(
    isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of_a_model(isolated / "aim" / "org" / "model")
    monkeypatch.setenv("AIM_CACHE_PATH", str(isolated / "aim"))
    assert resolving.place(recipe("org/model")).path == str(folder)
