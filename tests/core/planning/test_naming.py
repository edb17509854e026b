"""What a name means that was copied from somewhere."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import AimError, BadUsage, UnknownName
from aim_jupyter.core.planning import naming, resolving
from tests.core.cache.sound import sound_model


@pytest.mark.parametrize(
    ("typed", "model", "repos"),
    [
        ("Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-32B", {"Qwen/Qwen3-32B-FP8"}),
        ("qwen/qwen3-32b-fp8", "Qwen/Qwen3-32B", {"Qwen/Qwen3-32B-FP8"}),
        ("Qwen/Qwen3-32B:fp8", "Qwen/Qwen3-32B", {"Qwen/Qwen3-32B-FP8"}),
        ("qwen3-32b:FP8", "Qwen/Qwen3-32B", {"Qwen/Qwen3-32B-FP8"}),
        ("https://huggingface.co/Qwen/Qwen3-8B", "Qwen/Qwen3-8B", None),
        ("https://huggingface.co/Qwen/Qwen3-8B/tree/main", "Qwen/Qwen3-8B", None),
        ("hf.co/Qwen/Qwen3-8B/", "Qwen/Qwen3-8B", None),
        ("https://huggingface.co/Qwen/Qwen3-8B/blob/main/config.json?x=1", "Qwen/Qwen3-8B", None),
        ("  Qwen/Qwen3-8B ", "Qwen/Qwen3-8B", None),
        ("Qwen/Qwen3-8B/", "Qwen/Qwen3-8B", None),
        ("qwen3:32b", "Qwen/Qwen3-32B", None),
        ("hf://Qwen/Qwen3-8B", "Qwen/Qwen3-8B", None),
        ("'Qwen/Qwen3-8B'", "Qwen/Qwen3-8B", None),
        ('"Qwen/Qwen3-8B "', "Qwen/Qwen3-8B", None),
        ("\u201cQwen/Qwen3-8B\u201d", "Qwen/Qwen3-8B", None),
        ("Qwen/Qwen3-8B@main", "Qwen/Qwen3-8B", None),
        ("qwen3-8b@main", "Qwen/Qwen3-8B", None),
        (
            "amd/Llama-3.3-70B-Instruct-FP8-KV",
            "meta-llama/Llama-3.3-70B-Instruct",
            {"amd/Llama-3.3-70B-Instruct-FP8-KV"},
        ),
    ],
)
def test_what_was_meant_is_found(typed: str, model: str, repos: set[str] | None) -> None:
    found = resolving.model(typed)
    assert found.name == model
    assert found.weights
    if repos is not None:
        assert {one.repo for one in found.weights.values()} == repos
        assert {one.weights.repo for one in found.recipes} <= repos


def test_each_checkpoint_of_a_shipped_recipe_is_a_name() -> None:
    from aim_jupyter.core import recipes  # noqa: PLC0415 - the catalogue of this test alone

    for model in recipes.catalogue().models:
        for repo in {one.repo for one in model.weights.values()}:
            if "/" in repo and not repo.startswith("/"):
                assert resolving.model(repo).name, repo


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        ("llama3:8b", "a name of Ollama's", "%aim launch meta-llama/Llama-3.1-8B-Instruct"),
        ("models/Qwen3-8B-Q4_K_M.gguf", "is GGUF", "%aim recipes Qwen3-8B"),
        ("bartowski/Qwen3-8B-GGUF", "is GGUF", "%aim recipes Qwen3-8B"),
        ("bartowski/Qwen3-8B-GGUF:Q4_K_M", "is GGUF", "%aim recipes Qwen3-8B"),
        ("hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M", "is GGUF", "%aim recipes Qwen3-8B"),
        ("hf.co/a/Qwen3-8B-GGUF/tree/main", "is GGUF", "%aim recipes Qwen3-8B"),
        ("mistral:7b-instruct", "a name of Ollama's", "%aim recipes"),
        ("mixtral:8x7b", "a name of Ollama's", "%aim launch mistralai/Mixtral-8x7B-Instruct-v0.1"),
        ("gs://models/Qwen/Qwen3-8B", "no link", "%aim launch"),
        ("hf://datasets/a/b", "one of the Hub's datasets", "Organisation/Name"),
        ("https://huggingface.co/datasets/a/b", "one of the Hub's datasets", "Organisation/Name"),
        ("https://example.org/model?x=1", "no link to a model", "Organisation/Name"),
    ],
)
def test_what_can_not_be_served_has_the_line_to_write(typed: str, said: str, hint: str) -> None:
    with pytest.raises(BadUsage, match=said) as caught:
        resolving.model(typed)
    assert hint in caught.value.hint


def test_a_precision_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UnknownName, match="no precision 'int8'"):
        resolving.model("Qwen/Qwen3-32B:int8")


def test_a_folder_beside_the_notebook_comes_before_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sound_model(tmp_path / "checkpoints/step-500")
    monkeypatch.chdir(tmp_path)
    assert resolving.model("checkpoints/step-500").name == str(folder)
    assert resolving.model(" checkpoints/step-500/ ").name == str(folder)


@pytest.mark.parametrize(
    "typed",
    [
        "https://huggingface.co/Qwen/Qwen3-8B/tree/v1.0",
        "Qwen/Qwen3-8B@v1.0",
        "qwen/qwen3-8b@v1.0:bf16",
        "hf.co/Qwen/Qwen3-8B@v1.0",
    ],
)
def test_a_revision_behind_a_name_is_the_one_that_is_loaded(typed: str) -> None:
    found = resolving.model(typed)
    own = [one for one in found.weights.values() if one.repo == "Qwen/Qwen3-8B"]
    assert {one.revision for one in own} == {"v1.0"}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(AimError):
        name = naming.read(text).name
        assert name == name.strip()
