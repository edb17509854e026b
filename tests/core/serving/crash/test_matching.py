"""Which rule knows a failure: by what it says, never by what it only guesses, and by its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.records import Crash
from aim_jupyter.core.serving.crash import failures
from tests.core.serving.crash.test_crash import explained

HEAD = "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
V = "/venv/lib/python3.12/site-packages"


def raised(tmp_path: Path, file: str, code: str, error: str) -> Crash:
    """Return the card of a log that ends with an exception from there."""
    frames = [f'  File "{V}/vllm/v1/engine/core.py", line 9, in run', "    self.start()"]
    frames += [f'  File "{file}", line 3, in f', f"    {code}"]
    told = ["Traceback (most recent call last):", *frames, error]
    return explained(tmp_path, "\n".join(HEAD + line for line in told) + "\n")


#: Where it is raised, by which code, and what the card says of the place.
PLACES = [
    (f"{V}/aiter/jit/core.py", "return op(*args)", "AITER, AMD's kernels, failed"),
    (f"{V}/triton/backends/amd/driver.py", "self.launch(*args)", "Triton, which compiles"),
    (f"{V}/torch/_inductor/lowering.py", "return view(x)", "could not be compiled"),
    (f"{V}/vllm/model_executor/cuda_graph_runner.py", "graph.replay()", "graphs could not be"),
    (f"{V}/torch/distributed/distributed_c10d.py", "work.wait()", "could not be connected"),
    (f"{V}/vllm/transformers_utils/tokenizer.py", "return load(x)", "tokenizer could not be"),
    (f"{V}/huggingface_hub/file_download.py", "return get(x)", "could not be had"),
    (f"{V}/vllm/model_executor/models/a.py", "param.weight_loader(w)", "weights of the model"),
    (f"{V}/vllm/model_executor/layers/quantization/a.py", "scale(x)", "quantization here"),
    (f"{V}/vllm/v1/attention/backends/a.py", "build(x)", "attention of this model"),
    (f"{V}/ray/_private/worker.py", "values = get(x)", "Ray, which starts"),
    (f"{V}/vllm/v1/worker/worker.py", "raise RuntimeError(", "gave up by itself"),
]


@pytest.mark.parametrize(("file", "code", "said"), PLACES)
def test_what_no_rule_knows_is_told_by_its_place(
    tmp_path: Path, file: str, code: str, said: str
) -> None:
    found = raised(tmp_path, file, code, "RuntimeError: the odd one is not even")
    assert said in found.what
    assert found.cause == "It says: the odd one is not even"
    assert found.line == "RuntimeError: the odd one is not even"
    assert found.try_line.startswith("%aim ")


def test_every_place_is_tried() -> None:
    # The last two are of a kind of exception, wherever it was raised.
    assert len(PLACES) == len(failures.places()) - 2


def test_an_error_of_the_interpreter_is_no_refusal(tmp_path: Path) -> None:
    file = f"{V}/vllm/v1/worker/worker.py"
    found = raised(tmp_path, file, "knobs.hook.add(f)", "AttributeError: 'K' has no 'hook' here")
    assert "versions that do not match" in found.cause
    found = raised(tmp_path, file, "x = int(y)", "ValueError: invalid literal for int() 'GPU-9'")
    assert "does not accept" in found.what


@pytest.mark.parametrize(
    "error", ["RuntimeError: HIP error: invalid argument", "RuntimeError: it is not aligned"]
)
def test_what_neither_rule_nor_place_knows_stays_unknown(tmp_path: Path, error: str) -> None:
    found = raised(tmp_path, f"{V}/vllm/v1/worker/worker.py", "x = mem_get_info()", error)
    assert found.cause.startswith("Unknown")
    assert found.line == error
    assert not found.known


@pytest.mark.parametrize(
    "guess",
    [
        "Some common causes include: (1) the OOM killer (2) a SIGSEGV.",
        "There are some potential root causes. (1) Memory access fault (2) SIGSEGV",
        "This error may also occur when there is No space left on device",
        "Possible solutions: 1. a smaller batch, if HIP out of memory",
    ],
)
def test_what_may_have_been_is_not_what_was(tmp_path: Path, guess: str) -> None:
    found = explained(tmp_path, f"{HEAD}OddError: it ended. {guess}\n")
    assert found.line.endswith(guess)
    assert found.cause.startswith("Unknown")
