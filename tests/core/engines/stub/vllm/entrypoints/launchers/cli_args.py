import argparse


def make_arg_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--api-server-count", "-asc", type=int)
    parser.add_argument("--served-model-name", nargs="+")
    frontend = parser.add_argument_group("Frontend")
    frontend.add_argument("--middleware", action="append")
    model = parser.add_argument_group("ModelConfig")
    model.add_argument("--dtype", choices=["auto", "bfloat16"])
    model.add_argument("--enforce-eager", action=argparse.BooleanOptionalAction)
    return parser
