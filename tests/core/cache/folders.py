"""Caches as `huggingface_hub` leaves them, whole and half."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core import config

COMMIT = "a" * 40


def cached(repo: str, *names: str, commit: str = COMMIT, ref: str | None = "main") -> Path:
    """Put the files `names` of `repo` into the cache and return its folder."""
    folder = config.model_cache_dir() / ("models--" + repo.replace("/", "--"))
    snapshot = folder / "snapshots" / commit
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    snapshot.mkdir(parents=True, exist_ok=True)
    for name in names:
        blob = folder / "blobs" / name.replace("/", "-")
        blob.write_bytes(b"{}" + bytes(len(name)))
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blob)
    if ref is not None:
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
    return folder


WHOLE = ("config.json", "tokenizer.json", "model.safetensors")
