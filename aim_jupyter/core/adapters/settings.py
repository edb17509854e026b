"""What every engine can be told, in our words, and an engine's own options for it."""

from __future__ import annotations

from msgspec import Struct

#: Our words for what every engine can be told; an engine has an option for each that it knows.
SETTINGS = (
    *("context", "memory_share", "tensor_parallel", "pipeline_parallel", "data_parallel", "dtype"),
    *("data_parallel_local", "prefill_context_parallel", "nodes"),
    *("quantization", "kv_dtype", "max_sequences", "batched_tokens", "chunked_prefill"),
    *("prefix_cache", "eager", "reasoning_parser", "tool_parser", "tool_choice", "chat_template"),
    *("load_format", "tokenizer", "trust_remote_code", "seed", "revision", "kv_tokens"),
)


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The engine's option for one of `SETTINGS`.

    Attributes
    ----------
    option : str
        Without dashes.
    values : dict
        The engine's words for values that it spells otherwise than vLLM does.
    inverted : bool
        A switch that switches off what we call on.
    unless : str
        A switch beside which it takes no GPUs of its own, for one that does so else.
    default : float or None
        What the engine takes by itself, where that is known and a failure rule asks for it.
    """

    option: str
    values: dict[str, str] = {}
    inverted: bool = False
    unless: str = ""
    default: float | None = None
