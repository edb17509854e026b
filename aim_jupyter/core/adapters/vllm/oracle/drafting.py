"""What drafts tokens ahead of a model, as vLLM loads it: heads of its own, EAGLE, another model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OPTION = "--speculative-config"


def in_folder(argv: Sequence[str], config: Mapping[str, Any], folder: str) -> list[str]:
    """Return the options with the drafter in a folder, where `config` is its own."""
    Path(folder, "config.json").write_text(json.dumps(config))
    words = list(argv)
    for number, word in enumerate(words):
        name, _, said = word.partition("=")
        if name.replace("_", "-") == OPTION:
            place = number if said else number + 1
            moved = json.dumps({**json.loads(said or words[place]), "model": folder})
            words[place] = f"{OPTION}={moved}" if said else moved
    return words


def drafter(cfg: Any, target: Any) -> Any:
    """Return the drafter beside a model that was built, None where nothing is loaded for it."""
    its = cfg.speculative_config
    if its is None or its.draft_model_config is None or its.method == "ngram":
        return None
    if its.uses_draft_model():
        return _alone(cfg, its)
    return _beside(cfg, its, target)


def _beside(cfg: Any, its: Any, target: Any) -> Any:
    """Return heads that share embeddings and output with the model."""
    from vllm.model_executor.model_loader.utils import initialize_model  # noqa: PLC0415

    from . import building  # noqa: PLC0415  torch is the engine's

    eagle: Any = importlib.import_module("vllm.v1.worker.gpu.spec_decode.eagle.utils")
    eagle.get_model = lambda vllm_config, model_config: initialize_model(
        vllm_config, model_config=model_config
    )
    # What loading would find out: EAGLE-3 has words and an output of its own.
    own = ("has_own_lm_head",) if its.method == "eagle3" else ()
    eagle._should_share = lambda _, flag, *__: flag not in own  # noqa: SLF001
    with building.on_meta(cfg):
        return eagle.load_eagle_model(target, cfg)


def _alone(cfg: Any, its: Any) -> Any:
    """Return a model of its own, as ``StandaloneARSpeculator`` loads it."""
    from vllm.config import replace  # noqa: PLC0415
    from vllm.model_executor.model_loader.utils import initialize_model  # noqa: PLC0415

    from . import building  # noqa: PLC0415  torch is the engine's

    ranks = replace(its.draft_parallel_config, rank=cfg.parallel_config.rank)
    own = replace(
        cfg, model_config=its.draft_model_config, quant_config=None, parallel_config=ranks
    )
    with building.on_meta(own):
        return initialize_model(own, prefix="draft_model")
