"""The same questions, put to the real engine: its functions, its log, and the models it loads.

Slow: each test starts the engine's interpreter, and the last one the engine itself.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import engines, fit
from aim_jupyter.core.fit.memory.caches import Cache
from aim_jupyter.core.fit.memory.kv import layout
from aim_jupyter.core.fit.memory.versions import rules
from aim_jupyter.core.fit.memory.weights import shares
from aim_jupyter.core.gpus.processor import cpu
from aim_jupyter.core.sizes import GIB
from aim_jupyter.testing import sums

from .conftest import WriteTensors

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("real_engine"),
    pytest.mark.timeout(600),
]

DRIVERS = Path(__file__).parent / "drivers"
DEMO = Path(fit.__file__).parents[2] / "demo"
LIMIT = 2**18

Answer = dict[str, Any]


def asked(driver: str, questions: Iterable[Any]) -> list[Answer]:
    """Return what a driver answers, run by the interpreter of the engine for the CPU."""
    python = engines.choose(platform="cpu").python
    done = subprocess.run(
        [python, str(DRIVERS / driver)],
        input="\n".join(map(json.dumps, questions)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def layers(dice: random.Random) -> list[Cache]:
    """Return the caches of a model as they occur: all alike, or two kinds."""
    token = dice.choice([256, 512, 1024, 2048, 4096])
    found = [Cache("full", token)] * dice.choice([1, 2, 3, 5, 8, 12])
    other = dice.choice(["none", "window", "state", "narrow", "windows alone"])
    span = dice.choice([128, 1024, 4096])
    if other == "window":
        wide = token * dice.choice([1, 1, 2])
        found += [Cache("window", wide, 0, span)] * dice.choice([1, 2, 5, 7, 11, 13, 40])
    elif other == "state":
        found += [Cache("state", 0, dice.randrange(1000, 3_000_000))] * dice.choice([1, 3, 6, 24])
    elif other == "narrow":
        found += [Cache("full", dice.choice([132, token // 2]))] * dice.choice([1, 2, 4])
    elif other == "windows alone":
        found = [Cache("window", token, 0, span)] * 7
    dice.shuffle(found)
    return found


def test_blocks_are_cut_as_vllm_cuts_them() -> None:
    dice = random.Random(7)
    questions, predicted = [], []
    for _ in range(400):
        kept = layers(dice)
        batched, length = dice.choice([512, 2048, 8192]), dice.choice([512, 4096, 131_072])
        available = dice.randrange(2**28, 2**34)
        found = layout(Counter(kept), rules((0, 32)), batched, block=dice.choice([16, 128]))
        widest = max(cache.token_bytes for cache in kept)
        block = next((g.block for g in found.groups if g.cache.token_bytes == widest), 0)
        block = block or found.groups[0].block
        questions.append(
            {
                "caches": [[c.kind, c.token_bytes, c.state_bytes, c.span] for c in kept],
                "block": block,
                "page": block * widest,
                "available": available,
                "length": length,
                "batched": batched,
                "limit": LIMIT,
            }
        )
        predicted.append(
            {
                "groups": len(found.groups),
                "block_bytes": found.block_bytes,
                "tokens": found.tokens(available, length),
                "concurrency": found.concurrency(available, length),
                "need": found.need(length),
                "largest": found.largest(available, 1, LIMIT),
            }
        )
    answers = asked("groups.py", questions)
    assert len(answers) == len(predicted)
    for question, answer, mine in zip(questions, answers, predicted, strict=True):
        assert answer == mine, question


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config without what changes no parameter, or what transformers reads otherwise."""
    kept = {k: v for k, v in config.items() if k not in ("quantization_config", "rope_scaling")}
    if "text_config" in kept:
        kept["text_config"] = plain(kept["text_config"])
    return kept


def test_parameters_are_those_of_the_models_that_transformers_builds(
    checkpoint: WriteTensors,
) -> None:
    by_kind: dict[Any, tuple[str, dict[str, Any]]] = {}
    for name in fit.known():
        config = plain(fit.config_of(name))
        text = config.get("text_config", config)
        by_kind.setdefault((config["model_type"], text.get("model_type")), (name, config))
    # What transformers does not build as vLLM does: unknown to it, or with ties it makes itself.
    skipped = ("kimi_k2", "kimi_vl", "kimi_k25", "mistral3", "gemma4")
    pairs = [pair for pair in by_kind.values() if pair[1]["model_type"] not in skipped]
    answers = asked("shapes.py", [config for _, config in pairs])
    assert len(answers) == len(pairs) >= 35
    for (name, config), built in zip(pairs, answers, strict=True):
        assert "error" not in built, (name, built)
        parameters = sum(math.prod(shape) for shape in built.values())
        found = fit.architecture(config)
        assert found.parameters == pytest.approx(parameters, rel=0.007), name
        folder = checkpoint({tensor: ("BF16", shape) for tensor, shape in built.items()})
        for tp in (1, 2):
            exact = fit.weights_from_headers(fit.tensors(folder), found, tp).bytes_per_gpu
            share = shares(found, tp)[0]
            assert exact == pytest.approx(share.total - share.added, rel=0.03), (name, tp)


BASE = {
    "num_hidden_layers": 8,
    "hidden_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 256,
    "vocab_size": 512,
    "max_position_embeddings": 4096,
    "torch_dtype": "bfloat16",
}
SLIDING = {
    **BASE,
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "head_dim": 64,
    "sliding_window": 256,
    "sliding_window_pattern": 4,
}
HYBRID = {
    **BASE,
    "architectures": ["GraniteMoeHybridForCausalLM"],
    "model_type": "granitemoehybrid",
    "layer_types": ["mamba", "mamba", "mamba", "attention"] * 2,
    "mamba_n_heads": 8,
    "mamba_d_head": 32,
    "mamba_n_groups": 1,
    "mamba_d_state": 64,
    "mamba_expand": 2,
    "num_local_experts": 0,
    "num_experts_per_tok": 0,
    "shared_intermediate_size": 256,
}


def model(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_the_size_of_the_kv_cache_is_the_one_that_the_engine_logs(tmp_path: Path) -> None:
    version = engines.choose(platform="cpu").version
    machine = {"model": "cpu", "family": "cpu", "total_gib": 12, "bf16": cpu().bf16}
    folders = [
        DEMO,
        model(tmp_path / "sliding", SLIDING),
        model(tmp_path / "hybrid", HYBRID),
    ]
    questions: list[dict[str, Any]] = [
        {"model": str(folder), "kv_bytes": mib * 2**20, "length": 2048, "batched": 512}
        for folder in folders
        for mib in (1, 8, 64, 300)
    ]
    for question, answer in zip(questions, asked("starts.py", questions), strict=True):
        facts = fit.read_log(answer["log"].splitlines())
        found = sums.answer(
            {
                "config": str(question["model"]),
                "machine": machine,
                "kv_cache_gib": question["kv_bytes"] / GIB,
                "max_model_len": question["length"],
                "max_num_batched_tokens": question["batched"],
                "max_num_seqs": 8,
                "engine_version": version,
            }
        )
        if "kv_tokens" not in facts:  # refused
            assert found["verdict"] == "NO", (question, answer["log"][-500:])
            assert facts.get("largest_context", 0) == found["largest_context"]
            continue
        assert found["verdict"] == "FITS", question
        assert found["kv_tokens"] == [facts["kv_tokens"]] * 2, question
        assert found["max_concurrency"][0] == pytest.approx(facts["max_concurrency"], abs=0.006)
