"""What a recipe file may say: the types behind ``recipes/schema.json``.

One file per model, ``recipes/<org>/<model>.yaml``. A setting that lists several GPUs, weights or
sizes stands for every combination of them; what all settings share is said once at the top.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from msgspec import Meta, Struct

from aim_jupyter.core.records.ability import Ability
from aim_jupyter.core.records.recipe import Origin

Precision = Literal["fp32", "bf16", "fp16", "fp8", "mxfp8", "int8", "fp4", "mxfp4", "mxfp6", "int4"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Engines = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]*(>=[0-9.]+)?)?$")]
Metric = Literal["latency", "throughput"]
#: Any that is registered (`adapters`), or will be where the file is used.
Engine = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$")]
# "cpu", or a GPU that the table knows (`devices.kinds`), where it is looked up.
GpuModel = Annotated[str, Meta(min_length=1, max_length=64)]

_Item = TypeVar("_Item")
OneOrMore: TypeAlias = _Item | Annotated[list[_Item], Meta(min_length=1)]

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
# Refers to a `Name`, and is looked up. No pattern here: msgspec 0.22 frees a pattern inside of a
# union once too often, which ends the interpreter with a segmentation fault.
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
Size = Annotated[int, Meta(ge=1, le=8)]
Gib = Annotated[float, Meta(gt=0, le=1_000_000)]
Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Repo = Annotated[str, Meta(min_length=1, max_length=300)]
Value: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None
Flag = Annotated[str, Meta(pattern=r"^[a-z][A-Za-z0-9_.-]*$")]
Variable = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Args: TypeAlias = dict[Flag, Value]
Env: TypeAlias = dict[Variable, str | int | float]


class WeightsEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant of the weights.

    Attributes
    ----------
    precision
        The variant's name where it is left out.
    args, env
        What this variant needs wherever it is served by vLLM.
    """

    repo: Repo
    precision: Precision | None = None
    quantization: str | None = None
    revision: str | None = None
    download_gib: Gib | None = None
    args: Args = {}
    env: Env = {}


class Shared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments and environment that several settings `use`, said once."""

    args: Args = {}
    env: Env = {}


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to serve: every combination of the listed `gpu`, `weights`, `tp` and `metric`.

    Attributes
    ----------
    name : str
        Tells two settings of the same combination apart; it ends the recipe's id.
    metric
        What it is for; left out where it serves both.
    use
        Names in the file's `shared`, taken in this order.
    args, env
        Added to those of the file, the weights and `use`. An argument of null is a bare switch.
    context : int
        Tokens of one request that it is made for.
    memory_gib : float
        What the whole server needs on a CPU.
    """

    gpu: OneOrMore[GpuModel]
    weights: OneOrMore[Reference]
    tp: OneOrMore[Size] = 1
    metric: OneOrMore[Metric] | None = None
    name: Name | None = None
    engine: Engine = "vllm"
    engines: Engines | None = None
    use: OneOrMore[Reference] | None = None
    args: Args = {}
    env: Env = {}
    origin: Origin | None = None
    source: str | None = None
    manual_only: bool = False
    context: Tokens | None = None
    memory_gib: Gib | None = None


class ModelFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recipe file.

    Attributes
    ----------
    aliases : list of str
        Short names that mean the model too.
    facts : dict
        The architecture numbers of its ``config.json``, under the names they have there.
    weights : dict
        Repository of each variant, under the name that settings use.
    args, env
        Shared by all settings of vLLM, derived ones too.
    shared : dict
        Shared by the settings that name it in `use`.
    origin, source, engines
        Of every setting that does not say its own; `engines` of those for that engine.
    derive : bool
        Whether recipes are derived for the GPUs that no setting covers.
    does : list of str
        What it can do beside what its facts and options say, such as ``vision``.
    """

    model: Repo
    summary: str = ""
    licence: str | None = None
    gated: bool = False
    aliases: list[Name] = []
    facts: dict[str, Any] = {}
    weights: Annotated[dict[Name, Repo | WeightsEntry], Meta(min_length=1)]
    args: Args = {}
    env: Env = {}
    shared: dict[Name, Shared] = {}
    origin: Origin = "user"
    source: str = ""
    engines: Engines = ""
    derive: bool = True
    does: list[Ability] = []
    settings: list[Setting] = []
