"""The options that the fake engine accepts: those of vLLM that the tests use."""

from argparse import ArgumentParser, BooleanOptionalAction


def make_arg_parser(parser: ArgumentParser) -> ArgumentParser:
    """Add the options to `parser` and return it."""
    parser.add_argument("--model", default="")
    parser.add_argument("--served-model-name", nargs="+", default=["fake"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--uds")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--middleware", action="append")
    parser.add_argument("--shutdown-timeout", type=float, default=0)
    parser.add_argument("--enforce-eager", action="store_true")
    parser.add_argument("--kv-cache-memory-bytes")
    parser.add_argument("--max-model-len", type=int)
    parser.add_argument("--max-num-seqs", type=int)
    parser.add_argument("--dtype", choices=["auto", "bfloat16", "float16", "float32"])
    parser.add_argument("--scheduling-policy", choices=["fcfs", "priority"], default="fcfs")
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--enable-prefix-caching", action=BooleanOptionalAction)
    return parser
