"""AMD's AIM variables: the same meaning, and no bad value goes unnoticed."""

from pathlib import Path

import pytest

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes.arguments.variables import _READERS, read
from aim_jupyter.core.request.record import OPTIONS


def test_all_of_them() -> None:
    said = read(
        {
            "AIM_MODEL_ID": "Qwen/Qwen3-32B",
            "AIM_PRECISION": "FP8",
            "AIM_METRIC": "throughput",
            "AIM_ENGINE": "vllm",
            "AIM_GPU_COUNT": "4",
            "AIM_GPU_MODEL": "mi300x",
            "AIM_PROFILE_ID": "general/x",
            "AIM_PORT": "8123",
            "AIM_ENGINE_ARGS": '{"max-model-len": 8192}',
            "AIM_CACHE_PATH": "/cache",
            "AIM_CUSTOM_MODEL_NAME": "mine",
            "AIM_ALLOW_GENERAL_PROFILE_FALLBACK": "true",
            "AIM_LOG_LEVEL": "DEBUG",
        }
    )
    assert said == {
        "AIM_ID": "Qwen/Qwen3-32B",
        "AIM_PRECISION": "fp8",
        "AIM_METRIC": "throughput",
        "AIM_ENGINE": "vllm",
        "AIM_GPU_COUNT": 4,
        "AIM_GPU_MODEL": "MI300X",
        "AIM_PROFILE_ID": "general/x",
        "AIM_PORT": 8123,
        "AIM_ENGINE_ARGS": {"max-model-len": 8192},
        "AIM_CACHE_PATH": Path("/cache"),
        "AIM_CUSTOM_MODEL_NAME": "mine",
        "AIM_ALLOW_GENERAL_PROFILE_FALLBACK": True,
        "AIM_LOG_LEVEL": "debug",
    }


def test_what_stands_behind_an_option_is_read() -> None:
    behind = {option.variable for option in OPTIONS if option.variable}
    assert behind - {"AIM_ID"} <= set(_READERS)


def test_none_and_auto_say_nothing() -> None:
    auto = {"AIM_PRECISION": "auto", "AIM_METRIC": "AUTO", "AIM_GPU_COUNT": "auto", "AIM_PORT": " "}
    assert read({}) == read(auto) == {}


def test_the_process_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_ID", "openai/gpt-oss-20b")
    assert read()["AIM_ID"] == "openai/gpt-oss-20b"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AIM_METRIC", "latncy", "one of latency, throughput, auto"),
        ("AIM_PRECISION", "mxfp4", "one of fp4, fp8, fp16, fp32, bf16, int4, int8, auto"),
        ("AIM_ENGINE", "sglang", "one of vllm, auto"),
        ("AIM_GPU_COUNT", "four", "a number of GPUs, or auto"),
        ("AIM_GPU_COUNT", "-1", "a number of GPUs, or auto"),
        ("AIM_GPU_COUNT", "99999999999999999999", "a number of GPUs, or auto"),
        ("AIM_GPU_MODEL", "MI301X", "one of NONE, MI100,"),
        ("AIM_PORT", "0", "a port from 1 to 65535"),
        ("AIM_PORT", "80\u0660", "a port from 1 to 65535"),
        ("AIM_ENGINE_ARGS", "{", "a JSON object such as"),
        ("AIM_ENGINE_ARGS", "[1]", "a JSON object such as"),
        ("AIM_ALLOW_GENERAL_PROFILE_FALLBACK", "maybe", "true or false"),
        ("AIM_CUSTOM_MODEL_NAME", "../x", "a name without .."),
        ("AIM_LOG_LEVEL", "loud", "one of debug,"),
    ],
)
def test_a_bad_value_is_an_error(variable: str, value: str, said: str) -> None:
    with pytest.raises(BadUsage) as error:
        read({variable: value})
    assert error.value.found == f"{variable} is {value!r}."
    assert said in error.value.hint


def test_both_ids_are_one_too_many() -> None:
    with pytest.raises(BadUsage, match="AIM_ID and AIM_MODEL_ID are both set"):
        read({"AIM_ID": "a", "AIM_MODEL_ID": "b"})
