"""Models, their recipes, and the verdict on each."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

Origin = Literal["amd-validated", "published", "derived", "measured", "user"]
Verdict = Literal["FITS", "TIGHT", "NO"]


class Weights(Struct, frozen=True, kw_only=True):
    """Where weights come from.

    Attributes
    ----------
    repo : str
        A Hugging Face repository, or ``package:demo`` for the model inside this package.
    """

    repo: str
    precision: str
    quantization: str | None = None
    revision: str | None = None
    download_bytes: int | None = None


class Recipe(Struct, frozen=True, kw_only=True):
    """How to serve one model on one kind of GPU.

    Attributes
    ----------
    id : str
        Unique within its model: ``<gpu>-<precision>-tp<N>``.
    model : str
        The name that users type.
    gpu_model : str
        ``cpu``, or the short name of a GPU such as ``MI300X``.
    tp : int
        Tensor parallelism, the number of GPUs of one copy.
    args, env
        Engine arguments (without dashes) and environment. A value of None is a bare switch.
    origin, source
        Where the settings come from.
    metric : str
        ``latency``, ``throughput``, or ``any`` where one setting serves both.
    engines : str
        The engine versions that it holds for, such as ``vllm>=0.18``.
    memory_bytes : int or None
        What the whole server needs on a CPU, as measured or derived.
    """

    id: str
    model: str
    weights: Weights
    gpu_model: str
    tp: int = 1
    precision: str = "bf16"
    metric: str = "any"
    engine: str = "vllm"
    engines: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    origin: Origin = "derived"
    source: str = ""
    manual_only: bool = False
    context_tokens: int | None = None
    memory_bytes: int | None = None


class Model(Struct, frozen=True, kw_only=True):
    """One model of the catalogue with its recipes.

    Attributes
    ----------
    facts : dict
        Numbers of its ``config.json``, under the names they have there.
    file : str
        Where it was read; empty for a model that was derived.
    """

    name: str
    summary: str = ""
    licence: str | None = None
    gated: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    recipes: tuple[Recipe, ...] = ()
    file: str = ""


class Choice(Struct, frozen=True, kw_only=True):
    """A recipe with the verdict on it for this machine and request. Memory in bytes, per GPU."""

    recipe: Recipe
    verdict: Verdict
    reason: str
    rank: int = 0
    gpus: tuple[int, ...] = ()
    weights_bytes: int | None = None
    evidence: Literal["tested", "unverified"] = "unverified"
    try_line: str | None = None
