"""Run by the engine's interpreter: start the engine with tiny models, and return what it logs.

Reads a JSON object a line, with ``model`` (a folder), ``kv_bytes``, ``length`` and ``batched``;
writes a line with ``log`` for each. vLLM is imported once, and each start is a fork of it.
"""

import json
import os
import sys
import tempfile
from typing import Any

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # before vLLM reads it

from vllm import LLM


def start(asked: dict[str, Any]) -> None:
    LLM(
        model=asked["model"],
        load_format="dummy",
        skip_tokenizer_init=True,
        enforce_eager=True,
        kv_cache_memory_bytes=asked["kv_bytes"],
        max_model_len=asked["length"],
        max_num_batched_tokens=asked["batched"],
        max_num_seqs=8,
    )


def logged(asked: dict[str, Any]) -> str:
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if not child:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            try:
                start(asked)
            except Exception as error:  # noqa: BLE001  what the engine says is what is asked for
                sys.stderr.write(f"\n{error}\n")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        os.waitpid(child, 0)
        log.seek(0)
        return log.read().decode("utf-8", "replace")


for line in sys.stdin:
    sys.stdout.write(json.dumps({"log": logged(json.loads(line))}) + "\n")
    sys.stdout.flush()
