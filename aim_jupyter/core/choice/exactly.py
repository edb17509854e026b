"""The fit's question put to the engine's own code, and its answer in the fit's terms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aim_jupyter.core import engines
from aim_jupyter.core.adapters.vllm.answering import Answer
from aim_jupyter.core.adapters.vllm.exact import Question, oracle, shown
from aim_jupyter.core.choice.checkpoints import config_at
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Plan
from aim_jupyter.core.records.fit import CountedGroup, Counts, Device, Settings, Speculation

_KINDS = {"FullAttentionSpec": "full", "MLAAttentionSpec": "full", "SlidingWindowSpec": "window",
          "SlidingWindowMLASpec": "window", "ChunkedLocalAttentionSpec": "chunk",
          "MambaSpec": "state"}  # fmt: skip


UNASKED = (
    "vLLM's own code could not be asked: that takes vLLM 0.32 for the CPU "
    "(%aim engine install cpu) and an AMD GPU"
)


def counts(config: Mapping[str, Any], settings: Settings, device: Device | None) -> Counts | None:
    """Return what the engine's own code makes of a launch, None where it can't be asked.

    It is asked in the environment for the CPU, for AMD's GPUs alone.
    """
    return _asked(_question(config, words(settings), settings), device)


def dry_start(
    plan: Plan, config: Mapping[str, Any], settings: Settings, device: Device | None
) -> Counts | None:
    """Return what the engine's own code makes of a plan as it stands; nothing runs.

    None where it can't be asked: see `counts`. SGLang's code wants its GPU when it is imported.
    """
    if plan.engine != "vllm":
        return None
    after = plan.argv.index(plan.model_path) + 1
    return _asked(_question(config, plan.argv[after:], settings, plan.env), device)


def _question(
    config: Mapping[str, Any],
    argv: Sequence[str],
    settings: Settings,
    env: Mapping[str, str] | None = None,
) -> Question:
    its = settings.speculation
    beside = config_at(its.model) if its else None
    return Question(config=config, argv=tuple(argv), env=env or {}, drafter=beside)


def _asked(question: Question, device: Device | None) -> Counts | None:
    if device is None or device.family != "rocm" or not device.gfx:
        return None
    try:
        engine = engines.choose(platform="cpu")
    except AimError:
        return None
    gpu = shown(device.model, device.gfx, device.total_bytes)
    asked = gpu and oracle(engine.python, engine.version or "", gpu)
    if asked is None:
        return None
    answer = asked.ask(question)
    # A refusal may lie in what a reduced config leaves out: only a whole one is believed.
    if answer is None or (answer.get("refused") and "architectures" not in question.config):
        return None
    return _read(answer, device.gfx)


def words(settings: Settings) -> list[str]:
    """Return settings as options of ``vllm serve``."""
    said: dict[str, Any] = {
        "tensor-parallel-size": settings.tp,
        "pipeline-parallel-size": settings.pp,
        "dtype": settings.dtype,
        "kv-cache-dtype": settings.kv_dtype,
        "gpu-memory-utilization": settings.util,
        "max-model-len": settings.max_model_len,
        "max-num-seqs": settings.max_num_seqs,
        "max-num-batched-tokens": settings.max_num_batched_tokens,
        "block-size": settings.block_size,
        "quantization": settings.quantization,
    }
    found = [f"--{name}={value}" for name, value in said.items() if value not in (None, "auto")]
    if settings.prefix_caching is not None:
        found.append(f"--{'' if settings.prefix_caching else 'no-'}enable-prefix-caching")
    if settings.speculation is not None:
        found.append(f"--speculative-config={_drafting(settings.speculation)}")
    return found


def _drafting(its: Speculation) -> str:
    said = {"method": its.method, "model": its.model, "num_speculative_tokens": its.tokens}
    return json.dumps({name: value for name, value in said.items() if value})


def _read(answer: Answer, gfx: str) -> Counts | None:
    label = f"counted by vLLM {answer.get('version', '')} for {gfx}"
    if answer.get("refused"):
        return Counts(label=label, refused=_reason(str(answer.get("error", ""))))
    if answer.get("reached") != "laid out":
        return None
    return Counts(
        label=label,
        weights_bytes=answer["weights_bytes"],
        block_bytes=answer.get("block_bytes", 0),
        request_blocks=answer.get("request_blocks", 0),
        groups=tuple(_group(each) for each in answer.get("groups", ())),
        max_model_len=answer["max_model_len"],
        hidden=answer["hidden"],
        vocabulary=answer["vocabulary"],
        multimodal=answer["multimodal"],
    )


def _group(group: Mapping[str, Any]) -> CountedGroup:
    return CountedGroup(
        kind=_KINDS.get(group["kind"], "other"),
        layers=group["layers"],
        block=group["block"],
        span=group["span"],
        pages=group["pages"],
    )


def _reason(error: str) -> str:
    """Return the first sentence of what vLLM said, without the kind of its exception."""
    text = " ".join(error.partition(": ")[2].split())
    text = text.partition("Value error, ")[2] or text
    return text.partition(" [type=")[0].partition(". ")[0].strip(". ")
