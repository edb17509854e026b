"""Known models, and names that mean one of them."""

from __future__ import annotations

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.errors import UnknownName


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("RedHatAI/Qwen3-32B", "Qwen/Qwen3-32B"),
        ("qwen/qwen3-32b", "Qwen/Qwen3-32B"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("meta-llama/Llama-3.3-70B", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Qwen/Qwen3-4B-Thinking-2507", "Qwen/Qwen3-4B-Instruct-2507"),
        ("google/gemma-3-27b-pt", "google/gemma-3-27b-it"),
    ],
)
def test_publisher_and_tuning_do_not_matter(name: str, same: str) -> None:
    assert fit.config_of(name) == fit.config_of(same)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Qwen/Qwen3-32B-FP8", "fp8"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "fp8"),
        ("amd/Llama-3.1-70B-Instruct-FP8-KV", "quark"),
        ("amd/Llama-3.1-405B-Instruct-MXFP4-Preview", "quark"),
        ("RedHatAI/Mistral-Small-3.1-24B-Instruct-2503-quantized.w8a8", "compressed-tensors"),
        ("Qwen/Qwen3-8B-AWQ", "awq"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "gptq"),
    ],
)
def test_the_end_of_a_name_says_how_weights_are_quantized(name: str, method: str) -> None:
    config = fit.config_of(name)
    assert config["quantization_config"]["quant_method"] == method
    assert not fit.architecture(config).problem


def test_weights_that_are_quantized_by_nature_stay_so() -> None:
    assert fit.config_of("deepseek-ai/DeepSeek-R1")["quantization_config"]["quant_method"] == "fp8"
    assert "quantization_config" not in fit.config_of("unsloth/DeepSeek-R1-BF16")


@pytest.mark.parametrize(
    "name",
    ["", "nobody/knows", "Qwen/Qwen3-33B", "FP8", "Qwen/Qwen3-32B-Z", "moonshotai/Kimi-K2-Base"],
)
def test_a_name_that_is_not_known_is_not_guessed(name: str) -> None:
    with pytest.raises(UnknownName):
        fit.config_of(name)


def test_there_are_enough_for_a_catalogue() -> None:
    assert len(fit.known()) >= 100
