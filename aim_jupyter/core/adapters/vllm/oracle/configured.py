"""vLLM's own configuration of a launch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any


def arguments(folder: str, argv: Sequence[str]) -> Any:
    """Return the engine's arguments, from the words of ``vllm serve``."""
    from vllm.engine.arg_utils import EngineArgs  # noqa: PLC0415  vLLM is imported by `main`
    from vllm.entrypoints.launchers.cli_args import (  # noqa: PLC0415
        make_arg_parser,
        validate_parsed_serve_args,
    )
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415

    parser = make_arg_parser(FlexibleArgumentParser(exit_on_error=False))
    parser.error = _refuse
    parsed = parser.parse_args([f"--model={folder}", *argv])
    parsed.model = folder
    try:
        validate_parsed_serve_args(parsed)
    except TypeError as error:  # elsewhere one may be of our making
        _refuse(str(error))
    _parsers(parsed)
    found = EngineArgs.from_cli_args(parsed)
    found.skip_tokenizer_init = True
    found.load_format = "dummy"
    found.enforce_eager = True
    found.disable_log_stats = True
    ranks = found.tensor_parallel_size * found.pipeline_parallel_size
    one = "uni" if ranks == 1 else "external_launcher"
    found.distributed_executor_backend = one if found.data_parallel_size == 1 else "mp"
    return found


def _parsers(parsed: Any) -> None:
    """Refuse parsers that this release has not, as `validate_api_server_args` does."""
    from vllm.reasoning import ReasoningParserManager  # noqa: PLC0415
    from vllm.tool_parsers import ToolParserManager  # noqa: PLC0415

    for kind, manager, name in (
        ("tool call", ToolParserManager, parsed.tool_call_parser),
        ("reasoning", ReasoningParserManager, parsed.reasoning_parser),
    ):
        if name and name not in manager.list_registered():
            _refuse(f"invalid {kind} parser: {name}")


def config(folder: str, argv: Sequence[str]) -> Any:
    """Return the configuration as the API server would have it."""
    from vllm.usage.usage_lib import UsageContext  # noqa: PLC0415

    # Without this context the default of batched tokens is another.
    return arguments(folder, argv).create_engine_config(UsageContext.OPENAI_API_SERVER)


def about(cfg: Any) -> dict[str, Any]:
    """Return what the engine decided."""
    model, scheduler, cache = cfg.model_config, cfg.scheduler_config, cfg.cache_config
    text = model.hf_text_config
    return {
        "architecture": model.architecture,
        "quantization": model.quantization,
        "dtype": str(model.dtype).removeprefix("torch."),
        "kv_dtype": cache.cache_dtype,
        "max_model_len": model.max_model_len,
        "max_num_seqs": scheduler.max_num_seqs,
        "max_num_batched_tokens": scheduler.max_num_batched_tokens,
        "prefix_caching": bool(cache.enable_prefix_caching),
        "hidden": getattr(text, "hidden_size", 0) or 0,
        "vocabulary": getattr(text, "vocab_size", 0) or 0,
        "layers": getattr(text, "num_hidden_layers", 0) or 0,
        "multimodal": bool(model.is_multimodal_model),
    }


def environment(variables: dict[str, str]) -> None:
    """Set the variables of a launch; those of AITER vLLM has read when it was imported."""
    from vllm._aiter_ops import rocm_aiter_ops  # noqa: PLC0415  as above

    os.environ.update(variables)
    rocm_aiter_ops.refresh_env_variables()


def _refuse(message: str) -> None:
    raise ValueError(message)
