"""What an engine's log says of its memory."""

from __future__ import annotations

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.sizes import GIB

GPU = r"""
(EngineCore pid=12) INFO 08-18 10:00:00 [gpu_model_runner.py:5150] Model loading took 30.59 GiB memory and 61.250000 seconds
(Worker_TP0 pid=13) INFO 08-18 10:00:00 [gpu_model_runner.py:5150] Model loading took 30.61 GiB memory and 60.100000 seconds
(Worker_TP0 pid=13) INFO 08-18 10:00:01 [monitor.py:53] torch.compile took 9.61 s in total
(Worker_TP0 pid=13) INFO 08-18 10:00:02 [gpu_model_runner.py:6475] Estimated CUDA graph memory: 0.17 GiB total
(Worker_TP0 pid=13) INFO 08-18 10:00:02 [gpu_worker.py:760] Available KV cache memory: 8.22 GiB
(Worker_TP1 pid=14) INFO 08-18 10:00:02 [gpu_worker.py:760] Available KV cache memory: 8.20 GiB
(EngineCore pid=12) INFO 08-18 10:00:02 [kv_cache_utils.py:2329] GPU KV cache size: 67,296 tokens, Maximum concurrency for 32,768 tokens per request: 2.05x
(Worker_TP0 pid=13) INFO 08-18 10:00:03 [gpu_model_runner.py:6582] Graph capturing finished in 13 secs, took 0.85 GiB
(EngineCore pid=12) INFO 08-18 10:00:04 [core.py:260] init engine (profile, create kv cache, warmup model) took 45.25 s
"""  # noqa: E501  as the engine writes them


def test_the_figures_of_a_start_on_gpus() -> None:
    facts = fit.read_log(GPU.splitlines())
    assert facts["weights_bytes"] == pytest.approx(30.61 * GIB)
    assert facts["available_kv_bytes"] == pytest.approx(8.20 * GIB)  # the tightest rank's
    assert facts["kv_tokens"] == 67_296
    assert facts["context_tokens"] == 32_768
    assert facts["max_concurrency"] == 2.05
    assert facts["graph_bytes"] == pytest.approx(0.85 * GIB)
    assert facts["graph_estimate_bytes"] == pytest.approx(0.17 * GIB)
    assert (facts["load_s"], facts["compile_s"], facts["capture_s"]) == (61.25, 9.61, 13)
    assert facts["init_s"] == 45.25


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("INFO [x.py:1] GPU KV cache size: 1,140,656 tokens", {"kv_tokens": 1_140_656}),
        (
            "Maximum concurrency for 8,192 tokens per request: 155.75x",
            {"context_tokens": 8192, "max_concurrency": 155.75},
        ),
        (
            "Model loading took 15.4137 GB and 9.033798 seconds",
            {"weights_bytes": 15.4137 * GIB, "load_s": 9.033798},
        ),
        (
            (
                "\x1b[36m(Worker pid=7)\x1b[0;0m INFO Auto set (1.09/17.21) GiB for KV cache on "
                "node 0, with 1.72 GiB requested memory for the worker. 0.63 GiB memory was "
                "consumed by non-kv usages."
            ),
            {
                "available_kv_bytes": 1.09 * GIB,
                "total_bytes": 17.21 * GIB,
                "non_kv_bytes": 0.63 * GIB,
            },
        ),
        (
            "Explicitly set (0.06/17.21) GiB for KV cache on node 0.",
            {"available_kv_bytes": 0.06 * GIB, "total_bytes": 17.21 * GIB},
        ),
        (
            (
                "Memory profiling takes 5.12 seconds. Total non KV cache memory: 6.02GiB; torch "
                "peak memory increase: 5.64GiB; non-torch forward increase memory: 0.25GiB; "
                "weights memory: 27.5GiB."
            ),
            {
                "non_kv_bytes": 6.02 * GIB,
                "activation_bytes": 5.64 * GIB,
                "runtime_bytes": 0.25 * GIB,
            },
        ),
        (
            (
                "ValueError: To serve at least one request with the model's max seq len (131072), "
                "(40.0 GiB KV cache is needed, which is larger than the available KV cache memory "
                "(39.07 GiB). Based on the available memory, the estimated maximum model length is "
                "128016. Try increasing `gpu_memory_utilization`"
            ),
            {
                "context_tokens": 131_072,
                "needed_kv_bytes": 40 * GIB,
                "available_kv_bytes": 39.07 * GIB,
                "largest_context": 128_016,
            },
        ),
        (
            (
                "ValueError: Free memory on device cuda:0 (1.33/23.98 GiB) on startup is less than "
                "desired GPU memory utilization (0.95, 22.79 GiB)."
            ),
            {"free_bytes": 1.33 * GIB, "total_bytes": 23.98 * GIB},
        ),
        (
            "Auto-fit max_model_len: reduced from 2048 to 896 to fit in available KV cache memory",
            {"context_asked": 2048, "largest_context": 896},
        ),
        ("INFO Loading weights took 3.14 seconds", {}),
    ],
)
def test_each_line_gives_its_figures(line: str, expected: dict[str, float]) -> None:
    assert fit.read_log([line]) == pytest.approx(expected)


def test_negative_memory_is_read_as_it_stands() -> None:
    facts = fit.read_log(["Available KV cache memory: -24.42 GiB"])
    assert facts["available_kv_bytes"] == pytest.approx(-24.42 * GIB)
