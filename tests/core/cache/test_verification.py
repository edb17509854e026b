"""Whether the files of a model are what the Hub has promised."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aim_jupyter.core import api, cache
from tests.core.cache.folders import WHOLE
from tests.core.cache.sound import safetensors


def test_verification_is_of_the_names_of_blobs_and_plain_files_may_have_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIM_CACHE_PATH", str(tmp_path))
    plain = tmp_path / "Org" / "Plain"
    plain.mkdir(parents=True)
    for name in WHOLE:
        (plain / name).write_text("{}")
    (plain / "model.safetensors").write_bytes(safetensors())
    (one,) = api.verify(["Org/Plain"])
    assert one.verified is None
    (plain / "config.json").write_text('{"model_type": "llama"}')
    notes = plain / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    for name in WHOLE:
        content = (plain / name).read_bytes()
        sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        (notes / f"{name}.metadata").write_text(f"{'a' * 40}\n{sha1}\n1.0\n")
    assert [one.verified for one in api.verify(["Org/Plain"])] == [True]
    (plain / "config.json").write_text("[]")
    (one,) = api.verify(["Org/Plain"])
    assert (one.verified, one.reason) == (False, "damaged: config.json")
    assert not cache.locate("Org/Plain").complete
