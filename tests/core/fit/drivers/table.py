"""Makes the table that our sum is compared with: what vLLM's own code counts for many checkpoints.

Run by hand, by this package's interpreter, on a machine with vLLM 0.32 for the CPU; it goes on
where it broke off, and takes 3 s for each line that is missing::

    nice python -m tests.core.fit.drivers.table

A line is ``name|gfx|tp``: a mark of the config, then bytes of weights, bytes of a block, and blocks
of one request of full length; or why vLLM would not.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aim_jupyter.core import engines, fit
from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.checkpoint import models
from aim_jupyter.core.records.fit import Settings
from tests.core.checkpoint.kinds import KINDS

FILE = Path(__file__).parents[1] / "memory" / "counted.json"
MACHINES = {"gfx942": "mi300x:8", "gfx950": "mi355x:8"}
# One GPU at the length that the engine takes by itself, eight at a short one.
LENGTHS = {1: None, 8: 8192}

Config = Mapping[str, Any]


def cases() -> dict[str, Config]:
    """Return the configs by name: each that is known, once, and the kinds of quantization."""
    found: dict[str, Config] = {}
    seen: set[str] = set()
    for name in models.known():
        config = models.config_of(name)
        if mark(config) not in seen:
            seen.add(mark(config))
            found[name] = config
    return {**found, **kinds()}


def kinds() -> dict[str, Config]:
    """Return the kinds of quantization, each on the body that it names."""
    return {
        name: {**models.config_of(body), "quantization_config": block}
        for name, (body, block) in KINDS.items()
    }


def mark(config: Config) -> str:
    """Return what tells a config from others."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]


def length(config: Config, tp: int) -> int | None:
    """Return the context that is asked for."""
    limit = fit.architecture(config).context
    wanted = LENGTHS[tp]
    return min(wanted, limit) if wanted and limit else wanted


def settings(config: Config, tp: int) -> Settings:
    """Return the settings of a line."""
    return Settings(tp=tp, max_model_len=length(config, tp), engine_version="0.32.0")


def lines() -> Iterator[tuple[str, Config, str, int]]:
    """Yield each line's name, config, kind of GPU and number of GPUs."""
    for gfx in MACHINES:
        for name, config in cases().items():
            for tp in LENGTHS:
                yield f"{name}|{gfx}|{tp}", config, gfx, tp


def asked(config: Config, gfx: str, tp: int) -> list[Any]:
    """Return the rest of a line."""
    device, engine = fit.device(MACHINES[gfx]), engines.choose(platform="cpu")
    gpu = exact.shown(device.model, gfx, device.total_bytes)
    oracle = gpu and exact.oracle(engine.python, engine.version or "", gpu)
    if oracle is None:
        sys.exit(f"vLLM {engine.version} was never tried: {exact.TRIED}")
    words = [f"--tensor-parallel-size={tp}"]
    if (wanted := length(config, tp)) is not None:
        words.append(f"--max-model-len={wanted}")
    answer = oracle.ask(exact.Question(config=config, argv=words))
    if answer is None:
        sys.exit(f"no answer on {gfx}: run it again")
    if answer.get("reached") != "laid out":
        return [str(answer.get("error", answer.get("reached")))[:160]]
    return [answer["weights_bytes"], answer.get("block_bytes", 0), answer.get("request_blocks", 0)]


def main() -> None:
    """Ask what is missing, and write after each answer."""
    table: dict[str, list[Any]] = json.loads(FILE.read_bytes()) if FILE.exists() else {}
    wanted = {name for name, *_ in lines()}
    table = {name: line for name, line in table.items() if name in wanted}
    for name, config, gfx, tp in lines():
        if table.get(name, [""])[0] != mark(config):
            table[name] = [mark(config), *asked(config, gfx, tp)]
            sys.stdout.write(f"{name} {table[name][1:]}\n")
            sys.stdout.flush()
            rows = (f"{json.dumps(key)}: {json.dumps(line)}" for key, line in sorted(table.items()))
            FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    exact.close()


if __name__ == "__main__":
    main()
