"""Recipe files that ask for what only a user may: some of these were launched once."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.core import adapters
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from tests.core.recipes import verdicts


class Hostile(Struct, frozen=True):
    """What a recipe sets, and the name that every refusal of it must hold."""

    name: str
    args: dict[str, Any] = {}
    env: dict[str, str] = {}
    engine: str = "vllm"


#: Each passed every check once; the second was launched and ran a program, the last but two
#: published every prompt.
KNOWN = (
    Hostile("log-config-file", {"log-config-file": "/tmp/x.json"}),
    Hostile("VLLM_LOGGING_CONFIG_PATH", env={"VLLM_LOGGING_CONFIG_PATH": "/tmp/x.json"}),
    Hostile(
        "structured-outputs-config.reasoning_parser_plugin",
        {"structured-outputs-config": {"reasoning_parser_plugin": "/tmp/x.py"}},
    ),
    Hostile(
        "structured-outputs-config.reasoning_parser_plugin",
        {"structured_outputs_config.reasoning_parser_plugin": "/tmp/x.py"},
    ),
    Hostile("tool-parser-plugin", {"tool_parser_plugin": "/tmp/x.py"}),
    Hostile(
        "kv-transfer-config",
        {"kv-transfer-config": {"kv_connector": "X", "kv_connector_module_path": "x.y"}},
    ),
    Hostile("compilation-config.backend", {"compilation-config": '{"backend": "x.y"}'}),
    Hostile("compilation-config.backend", {"compilation-config.backend": "x.y"}),
    Hostile("VLLM_USE_RUST_FRONTEND", env={"VLLM_USE_RUST_FRONTEND": "1"}),
    Hostile("VLLM_RUST_FRONTEND_PATH", env={"VLLM_RUST_FRONTEND_PATH": "/tmp/x"}),
    Hostile("HSA_TOOLS_LIB", env={"HSA_TOOLS_LIB": "/tmp/x.so"}),
    Hostile("OMP_TOOL_LIBRARIES", env={"OMP_TOOL_LIBRARIES": "/tmp/x.so"}),
    Hostile("GCONV_PATH", env={"GCONV_PATH": "/tmp"}),
    Hostile("CC", env={"CC": "/tmp/x"}),
    Hostile("TRITON_CACHE_DIR", env={"TRITON_CACHE_DIR": "/tmp/x"}),
    Hostile("TORCHINDUCTOR_CACHE_DIR", env={"TORCHINDUCTOR_CACHE_DIR": "/tmp/x"}),
    Hostile("VLLM_CACHE_ROOT", env={"VLLM_CACHE_ROOT": "/tmp/x"}),
    Hostile("NCCL_NET_PLUGIN", env={"NCCL_NET_PLUGIN": "/tmp/x.so"}),
    Hostile(
        "kv-events-config",
        {"kv-events-config": {"publisher": "zmq", "endpoint": "tcp://*:5557"}},
    ),
    Hostile("otlp-traces-endpoint", {"otlp-traces-endpoint": "http://example.org:4317"}),
    Hostile("enable-log-outputs", {"enable-log-outputs": None}),
    Hostile("allowed-local-media-path", {"allowed-local-media-path": "/"}),
    Hostile("allowed-origins", {"allowed-origins": ["*"]}),
    Hostile("grpc", {"grpc": None}),
    Hostile("load-format", {"load-format": "pt"}),
    Hostile("load-format", {"load_format": "PT"}),
)

_KEY = re.compile(r"[a-z][A-Za-z0-9_.-]*")
#: Letters of a name that can be cut and still mean one option.
LEAST = 8
#: Values that no description may take for a name, a number or a switch.
ODD: tuple[Any, ...] = (
    *("/tmp/x", "../x", "a.b", "a:b", "a b", "http://x/y", "x\n", "\u0661", "", "--x", "a/b/c"),
    *(1e309, float("nan"), 10**30, -(10**9), ["/tmp/x"], {"a": 1}, [[1]], "nan", "1_0", "x" * 200),
)


def generated(engine: str) -> Iterator[Hostile]:
    """Yield every option and variable of an engine that is on no list, in every spelling.

    What is on the list is read from the data alone: a check that lets something else pass is seen.
    """
    answer, ours = verdicts.recorded(engine), adapters.get(engine).allowed
    listed = {*ours.options, *adapters.get(WRITTEN_FOR).allowed.options}
    names = dict.fromkeys(name.lstrip("-") for flag in answer["flags"] for name in flag["names"])
    for name in names:
        if not {name, name.removeprefix("no-")} & listed:
            for given, value in spelled(name, names):
                # Of one that is cut, what is there is all that can be said.
                said = given if given == name[:-1] else name.removeprefix("no-")
                yield Hostile(said, {given: value}, engine=engine)
    for name in answer["variables"]:
        if name not in {*ours.variables, *adapters.get(WRITTEN_FOR).allowed.variables}:
            yield Hostile(name, env={name: "1"}, engine=engine)


def is_key(each: Hostile) -> bool:
    """Whether a recipe file can set it at all: others are no names, and refused as such."""
    return all(_KEY.fullmatch(given) for given in each.args)


def spelled(name: str, names: Container[str]) -> Iterator[tuple[str, Any]]:
    """Yield an option in each way in which a file, or argparse, might take it."""
    for each in dict.fromkeys((name, name.replace("-", "_"))):
        yield each, "x"
        yield each, None
        yield f"{each}.key", "x"
        yield each, {"key": "x"}
        yield each, '{"key": "x"}'
        yield f"{each}=x", None
        yield f"{each} x", None
        if not each.startswith("no"):
            yield f"{'no_' if '_' in each else 'no-'}{each}", None
    # What argparse takes for it: as much of its name as is no other's.
    if len(name) > LEAST and name[:-1] not in names:
        yield name[:-1], "x"


def keys() -> Iterator[Hostile]:
    """Yield what is on no list inside of options that are, plainly, as JSON and after a dot."""
    for option, kind in adapters.get("vllm").allowed.options.items():
        if isinstance(kind, dict):
            for key in ("backend_x", "cache_dir", "a.b", "__class__"):
                name = f"{option}.{key}"
                yield Hostile(name, {option: {key: "x"}})
                yield Hostile(name, {option: json.dumps({key: "x"})})
            yield Hostile(f"{option}.cache_dir", {f"{option}.cache_dir": "x"})


def write(folder: Path, each: Hostile, model: str) -> Path:
    """Write a recipe file that serves the demo's weights, and sets something hostile."""
    setting: dict[str, Any] = {"gpu": "cpu", "weights": "bf16", "source": "a colleague"}
    setting |= {"engine": each.engine, "context": 1024, "memory_gib": 1.2}
    setting |= {"args": each.args, "env": each.env}
    file = {
        "model": model,
        "derive": False,
        "weights": {"bf16": "package:demo"},
        "settings": [setting],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model}.yaml"
    path.write_bytes(msgspec.json.encode(file))  # JSON is YAML
    return path
