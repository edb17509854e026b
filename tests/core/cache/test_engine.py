"""`cache why` says what the real engine then finds: config, tokenizer and weights, offline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aim_jupyter import demo
from aim_jupyter.core import api, config, engines
from tests.core.cache.folders import COMMIT

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("real_engine"), pytest.mark.timeout(600)]

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
INDEX = "model.safetensors.index.json"


def model(name: str, *, without: tuple[str, ...] = (), add: dict[str, bytes] | None = None) -> None:
    """Put a variant of the demo into the cache."""
    folder = config.model_cache_dir() / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    (folder / "blobs").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    snapshot.mkdir(parents=True)
    files = {path.name: path.read_bytes() for path in demo.FOLDER.iterdir() if path.is_file()}
    for file, content in {**files, **(add or {})}.items():
        if file not in without:
            (folder / "blobs" / file).write_bytes(content)
            (snapshot / file).symlink_to(folder / "blobs" / file)


def test_what_is_said_to_start_is_what_the_engine_finds(tmp_path: Path) -> None:
    weights = (demo.FOLDER / "model.safetensors").read_bytes()
    index = json.dumps({"weight_map": dict(zip("ab", SHARDS, strict=True))}).encode()
    model("Org/Whole")
    model("Org/NoConfig", without=("config.json",))
    model("Org/NoTokenizer", without=("tokenizer.json",))
    model("Org/NoWeights", without=("model.safetensors",))
    single = ("model.safetensors",)
    model("Org/Shards", without=single, add={INDEX: index, **dict.fromkeys(SHARDS, weights)})
    model("Org/NoShard", without=single, add={INDEX: index, SHARDS[0]: weights})
    model("Org/Extra", add={INDEX: index, SHARDS[0]: weights, SHARDS[1]: weights})
    model("Org/BrokenIndex", without=single, add={INDEX: b"{", SHARDS[0]: weights})
    model("Org/Dangling")
    (config.model_cache_dir() / "models--Org--Dangling" / "blobs" / "model.safetensors").unlink()
    model("Org/NoGeneration", without=("generation_config.json", "chat_template.jinja"))
    model("Org/Consolidated", without=single, add={"consolidated.safetensors": weights})
    names = [
        folder.name.removeprefix("models--").replace("--", "/")
        for folder in sorted(config.model_cache_dir().iterdir())
    ]
    python = engines.choose(platform="cpu").python
    done = subprocess.run(
        [python, str(Path(__file__).with_name("agreement.py")), *names],
        env={**os.environ, "HF_HUB_CACHE": str(config.model_cache_dir()), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    ours = {name: api.can_start(name) for name in names}
    assert {name: not trouble for name, trouble in said.items()} == {
        name: found.can_start for name, found in ours.items()
    }, (said, {name: found.missing for name, found in ours.items()})
    assert ours["Org/Whole"].can_start
    assert ours["Org/NoShard"].missing == (SHARDS[1],)
    shutil.rmtree(config.model_cache_dir())
