"""Models, their recipes, and the verdict on each."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from aim_jupyter.core.records.ability import Ability

Origin = Literal["amd-validated", "published", "derived", "measured", "user"]
Verdict = Literal["FITS", "TIGHT", "NO"]
Evidence = Literal["tested", "built", "unverified"]


class Weights(Struct, frozen=True, kw_only=True):
    """Where weights come from.

    Attributes
    ----------
    repo : str
        A Hugging Face repository, or ``package:demo`` for the model inside this package.
    args, env : dict
        What this variant needs wherever it is served.
    """

    repo: str
    precision: str
    quantization: str | None = None
    revision: str | None = None
    download_bytes: int | None = None
    args: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


class Profile(Struct, frozen=True, kw_only=True):
    """What AMD's selector looks at in one of their profile files, in their words.

    Attributes
    ----------
    id : str
        File name without its ending, after ``general/`` or ``custom/<aim_id>/`` where it has one.
    layer : str
        The search path that it was found in; earlier ones win.
    gpu : str
        ``NONE`` for a machine without GPUs.
    """

    id: str
    layer: Literal["custom", "model", "general"]
    type: Literal["optimized", "preview", "unoptimized", "general"]
    gpu: str
    gpu_count: int
    precision: str
    metric: str
    engine: str = "vllm"
    aim_id: str | None = None
    manual_only: bool = False


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
    profile : Profile or None
        What it was in AMD's catalogue, for one that was imported from there.
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
    profile: Profile | None = None


class Model(Struct, frozen=True, kw_only=True):
    """One model of the catalogue with its recipes.

    Attributes
    ----------
    aliases : tuple of str
        Short names that mean it too.
    facts : dict
        Numbers of its ``config.json``, under the names they have there.
    weights : dict
        Its variants, under the name that recipe ids use.
    args, env : dict
        What all its recipes share.
    derive : bool
        Whether recipes may be derived for GPUs that none is written for.
    does : tuple of str
        What it can do beside what its facts and options say.
    file : str
        Where it was read; empty for a model that was derived.
    """

    name: str
    summary: str = ""
    licence: str | None = None
    gated: bool = False
    aliases: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Weights] = field(default_factory=dict)
    args: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    derive: bool = True
    does: tuple[Ability, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    file: str = ""


class Offer(Struct, frozen=True, kw_only=True):
    """What would have to change for a recipe to fit: one thing.

    Attributes
    ----------
    line : str
        The complete command, in its notebook form.
    change : str
        The part of `line` that is new, as it stands there.
    verdict, reason
        What the change leads to.
    """

    line: str
    change: str = ""
    verdict: Verdict | None = None
    reason: str = ""


class Choice(Struct, frozen=True, kw_only=True):
    """A recipe with the verdict on it for this machine and request. Memory in bytes, per GPU.

    Attributes
    ----------
    total_bytes : int or None
        Memory of one GPU. What weights, KV cache and overhead leave of it is kept free.
    evidence : str
        ``tested`` was started; ``built``: the engine's own code takes the settings and builds the
        model for this GPU, and nothing ran.
    kv_bytes, kv_need_bytes : int or None
        Room for the KV cache, and what `users` with `context_tokens` each need of it.
    short_bytes : int or None
        What a GPU lacks at least for it to fit; None where it is not memory that is missing.
    overhead_bytes, overhead_low_bytes, overhead_high_bytes : int or None
        Everything else that the engine takes: expected, and the band of what was measured.
    users_fit : float or None
        How many such users there is room for.
    offers : tuple of Offer
        Ready commands that change one thing, for a recipe that does not fit.
    does : tuple of str
        What the model does, served so.
    """

    recipe: Recipe
    verdict: Verdict
    reason: str
    rank: int = 0
    gpus: tuple[int, ...] = ()
    weights_bytes: int | None = None
    evidence: Evidence = "unverified"
    try_line: str | None = None
    total_bytes: int | None = None
    kv_bytes: int | None = None
    kv_need_bytes: int | None = None
    short_bytes: int | None = None
    overhead_bytes: int | None = None
    overhead_low_bytes: int | None = None
    overhead_high_bytes: int | None = None
    users: int | None = None
    users_fit: float | None = None
    context_tokens: int | None = None
    kv_dtype: str | None = None
    offers: tuple[Offer, ...] = ()
    does: tuple[Ability, ...] = ()
