"""What a card offers is what the fit lets pass: for each kind of lack of memory."""

from __future__ import annotations

import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.core import fit, gpus
from aim_jupyter.core.records import Cpu, Gpu, Machine, Plan
from aim_jupyter.core.request import settings as told
from aim_jupyter.core.serving.crash import crash, offers
from aim_jupyter.core.sizes import GIB
from tests.core.serving.state.test_starts import PLAN

LLAMA_8B = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}  # fmt: skip
SHARE = "--gpu-memory-utilization"
OOM = (
    "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
    "capacity of {total:.2f} GiB of which 0.50 GiB is free. Of the allocated memory {ours:.2f} GiB "
    "is allocated by PyTorch, and 0 bytes is reserved by PyTorch but unallocated."
)
#: A lack of memory by where it comes: the frame that leads to it, and what is said.
LACKS = {
    "loading": ("initialize_model", OOM),
    "profiling": ("profile_run", OOM),
    "the cache": ("initialize_kv_cache", OOM),
    "capture": ("capture_model", OOM),
    "serving": ("execute_model", OOM),
    "no cache": ("_check", "ValueError: No available memory for the cache blocks. Try increasing"),
    "cache too small": (
        "_check",
        (
            "ValueError: To serve at least one request with the models's max seq len (131072), "
            "(16.00 GiB KV cache is needed, which is larger than the available KV cache memory "
            "(10.21 GiB). Based on the available memory, the estimated maximum model length is "
            "83600."
        ),
    ),
    "cache too small, 0.8": (
        "_check",
        (
            "ValueError: The model's max seq len (131072) is larger than the maximum number of "
            "tokens that can be stored in KV cache (24480). Try increasing `gpu_memory_utilization`"
        ),
    ),
}


def planned(folder: Path, *options: str, **facts: Any) -> Plan:
    (folder / "config.json").write_text(json.dumps(LLAMA_8B))
    argv = ("python", "-m", "vllm", "--max-model-len", "131072", SHARE, "0.9", *options)
    common = {"argv": argv, "model": "org/m", "asked": ("org/m",), "gpus": (0,)}
    return replace(
        PLAN, model_path=str(folder), gpu_model="MI300X", **{**common, **facts}
    )  # fmt: skip


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that explains a lack of memory on a GPU of so many GiB."""

    def explained(lack: str, total: float, held: float = 0.0, *options: str) -> tuple[Plan, str]:
        gpu = Gpu(
            hip_index=0, model="MI300X", gfx="gfx942", usable=True, state="free",
            vram_bytes=int(total * GIB), vram_used_bytes=int(held * GIB),
        )  # fmt: skip
        here = Machine(host="h", cpu=Cpu(), gpus=(gpu,))
        monkeypatch.setattr(gpus, "machine", lambda: here)
        plan = planned(tmp_path, *options)
        frame, said = LACKS[lack]
        head = "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
        lines = [
            "Traceback (most recent call last):", f'  File "/v/vllm/a.py", line 3, in {frame}',
            said.format(total=total, ours=total - 0.5),
        ]  # fmt: skip
        first = "(APIServer pid=1) INFO:     Application startup complete.\n"
        log = tmp_path / "engine.log"
        log.write_text(first * (lack == "serving") + "".join(f"{head}{line}\n" for line in lines))
        return plan, crash.explain(plan, log, 1, "").try_line

    return explained


def verdict(plan: Plan, line: str) -> str:
    """Return what the fit says of a launch with the options of a line."""
    words = shlex.split(line)
    given = {
        word[2:]: after
        for word, after in itertools.pairwise([*words, "--"])
        if word.startswith("--") and word != "--"
    }
    settings = told.settings_of(given, told.of_plan(plan))
    question = offers._question(plan)
    assert question is not None
    return fit.assess(replace(question, settings=settings), whole=False).verdict


@pytest.mark.parametrize("lack", LACKS)
def test_no_offer_is_one_that_the_fit_refuses(offered: Any, lack: str) -> None:
    for total, held in itertools.product((12, 17, 20, 24, 34, 48, 64, 192), (0, 8)):
        plan, line = offered(lack, total, held)
        print(f"{lack:22} {total:4} GiB, {held} held: {line}")  # noqa: T201
        if line.startswith("%aim launch") and "--" in line:
            assert verdict(plan, line) != "NO" or "--env" in line, (total, held)


def test_the_context_that_is_offered_fits(offered: Any) -> None:
    # By the engine's sum 83,600 tokens; where the fit sees less room, so many.
    plan, line = offered("cache too small", 192.0)
    assert line == "%aim launch org/m --max-model-len 83600"
    plan, line = offered("cache too small", 24.0)
    length = int(line.rpartition("--max-model-len ")[2])
    assert 4096 <= length < 83600
    assert verdict(plan, line) != "NO"
    plan, line = offered("cache too small", 14.0)
    assert line == "%aim recipes org/m"


def test_a_smaller_share_is_offered_only_where_it_leaves_room(offered: Any) -> None:
    _, line = offered("capture", 192.0)
    assert line == "%aim launch org/m --gpu-memory-utilization 0.83"
    # There it would leave no room for one request: without graphs, then.
    _, line = offered("capture", 36.0)
    assert "--enforce-eager" in line


def test_where_nobody_can_ask_the_engines_sum_stands(tmp_path: Path) -> None:
    plan = planned(tmp_path, argv=())
    assert offers.context(plan, 24480) == 24480
    assert not offers.refused(plan, {"max-model-len": "99999999"})
    assert not offers.refused(replace(plan, engine="sglang", argv=("p",)), {"a": "1"})
