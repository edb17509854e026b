"""Answers questions about launches on one kind of GPU: a line of JSON each, in and out.

Run by the engine's interpreter: ``python -c "import oracle.main" GPU``, see `exact`.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from . import machine

QUIET = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_PLUGINS": "",
    "HIP_VISIBLE_DEVICES": "",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
# What vLLM says no with; anything else is a thing that can't be done without the GPU.
REFUSALS = (
    "ValueError",
    "ValidationError",
    "NotImplementedError",
    "AssertionError",
    "ArgumentError",
)

# What is only missing here: code and files of the repository.
HERE = ("does not recognize this architecture", "trust_remote_code", "resolve", "huggingface.co")


def prepare(gpu: machine.Gpu) -> None:
    """Import everything that a question needs."""
    machine.pretend(gpu)
    for name in (
        "vllm",
        "vllm._custom_ops",
        "vllm._aiter_ops",
        "vllm.engine.arg_utils",
        "vllm.entrypoints.launchers.cli_args",
        "vllm.model_executor.model_loader",
        "vllm.model_executor.layers.attention",
        "vllm.v1.core.kv_cache_utils",
        "vllm.v1.worker.utils",
        "oracle.building",
    ):
        importlib.import_module(name)
    importlib.import_module("oracle.absent").kernels()
    _sizes_alone()


def _sizes_alone() -> None:
    """Let what moves or converts bytes keep their sizes alone."""
    torch: Any = importlib.import_module("torch")
    platform = importlib.import_module("vllm.platforms").current_platform
    registry: Any = importlib.import_module("vllm.model_executor.models.registry")
    registry._run_in_subprocess = lambda call: call()  # noqa: SLF001  no context to protect
    reasoning: Any = importlib.import_module("vllm.config.reasoning")
    # There is no tokenizer that could say which tokens begin and end it.
    reasoning.ReasoningConfig.initialize_token_ids = lambda *_: None
    operations: Any = importlib.import_module("vllm._custom_ops")

    def quantized(weight: Any, *_: Any, **__: Any) -> Any:
        scale = torch.empty(1, device=weight.device, dtype=torch.float32)
        return torch.empty_like(weight, dtype=platform.fp8_dtype()), scale

    operations.scaled_fp8_quant = quantized
    kernels: Any = importlib.import_module("vllm._aiter_ops")
    for name in ("_triton_gemm_config_is_tuned", "_ck_gemm_shape_is_tuned"):
        setattr(kernels, name, lambda *_, **__: False)
    for name in dir(kernels.rocm_aiter_ops):
        if name.startswith("shuffle_weight"):
            kept = _tensors if name == "shuffle_weights" else _first
            setattr(kernels.rocm_aiter_ops, name, staticmethod(kept))


def _first(tensor: Any, *_: Any, **__: Any) -> Any:
    return tensor


def _tensors(*args: Any, **_: Any) -> Any:
    return tuple(each for each in args if hasattr(each, "untyped_storage"))


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """Return what vLLM makes of one launch, as far as it comes; never raises."""
    answer: dict[str, Any] = {"version": sys.modules["vllm"].__version__, "reached": ""}
    folder = tempfile.mkdtemp()
    try:
        Path(folder, "drafter").mkdir()
        Path(folder, "config.json").write_text(json.dumps(question["config"]))
        _ask(folder, question, answer)
    except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
        kind, said = type(error).__name__, str(error)[:600]
        answer["error"] = f"{kind}: {said}"
        here = any(each in said for each in HERE)
        refused = kind in REFUSALS and _by_vllm(error) and not answer["reached"]
        answer["refused"] = refused and not here
        answer["at"] = _place(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return answer


def _ask(folder: str, question: dict[str, Any], answer: dict[str, Any]) -> None:
    building, configured, drafting, laying = (
        importlib.import_module(f"oracle.{name}")
        for name in ("building", "configured", "drafting", "laying")
    )
    wanted = question.get("env", {})
    configured.environment({name: value for name, value in wanted.items() if name not in QUIET})
    words = question.get("argv", [])
    if question.get("drafter"):
        words = drafting.in_folder(words, question["drafter"], str(Path(folder, "drafter")))
    cfg = configured.config(folder, words)
    answer |= configured.about(cfg)
    if question.get("until") == "configured":
        answer["reached"] = "configured"
        return
    building.ranks(cfg, question.get("rank", 0))
    target = building.model(cfg)
    drafter = drafting.drafter(cfg, target)
    models = [target] if drafter is None else [target, drafter]
    answer["reached"] = "built"
    before = building.size(*models)
    answer["built_bytes"] = before
    answer["undone"] = [each for model in models for each in building.loaded(cfg, model)]
    after = building.size(*models)
    # A kernel's own container may hide what it holds: then what was built counts.
    hidden = answer["undone"] or after < before * 0.95
    answer["weights_bytes"] = max(before, after) if hidden else after
    specs = laying.specs(cfg)
    if specs:
        answer |= laying.layout(cfg, specs)
    answer["reached"] = "laid out"


def _by_vllm(error: BaseException) -> bool:
    its = str(Path(sys.modules["vllm"].__file__ or "").parent)
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename.startswith(its) or frame.name == "_refuse" for frame in frames)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(frames))


def _in_a_fork(line: str) -> None:
    """Answer one line in a child: what a question changes is gone with it."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            _say({"error": f"the engine's process ended with {status}", "refused": False})
        return
    _say(answered(json.loads(line)))
    os._exit(0)


def _say(answer: dict[str, Any]) -> None:
    os.write(OUT, json.dumps(answer).encode() + b"\n")


# vLLM and its libraries print: what they say goes with the errors.
OUT = os.dup(1)
os.dup2(2, 1)

if __name__ == "oracle.main":
    os.environ.update(QUIET)
    prepare(machine.Gpu(*json.loads(sys.argv[1])))
    _say({"ready": sys.modules["vllm"].__version__})
    for each in sys.stdin:
        if each.strip():
            _in_a_fork(each)
