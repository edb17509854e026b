"""The plain records that all parts of the core hand to each other.

Immutable `msgspec` structures: they hold facts, no behaviour beyond what follows from their own
fields, and they are what the state files, ``--json`` and the Python API show. Unknown is ``None``,
never 0. Bytes are bytes here; GiB appear only in `aim_jupyter.tables.columns`.
"""

from aim_jupyter.core.records.bundle import Bundle, BundledEngine, BundledModel
from aim_jupyter.core.records.cached import (
    CachedModel,
    CacheFolder,
    CacheKind,
    CacheKindTotal,
    CacheState,
    CacheStats,
    CacheTotals,
    CompiledCache,
    Eviction,
    EvictionRule,
    ModelKind,
    Setting,
    Startable,
)
from aim_jupyter.core.records.download import Arriving, Prefetch, Progress
from aim_jupyter.core.records.engine import EngineEnvironment, Flag, Image, WarmHost
from aim_jupyter.core.records.gpu import Cpu, Gpu, GpuState, Machine
from aim_jupyter.core.records.job import Job, Partition
from aim_jupyter.core.records.note import Note
from aim_jupyter.core.records.plan import Mode, Plan, Source
from aim_jupyter.core.records.process import ProcessId
from aim_jupyter.core.records.recipe import Choice, Model, Offer, Recipe, Verdict, Weights
from aim_jupyter.core.records.sample import Exported, Sample, Usage
from aim_jupyter.core.records.server import (
    STAGES,
    Address,
    Crash,
    ServerRecord,
    Stage,
    StageTime,
    State,
)
from aim_jupyter.core.records.status import Check, NextStep, ServerView, Status, Top
from aim_jupyter.core.records.waiting import Waiting

__all__ = [
    "STAGES",
    "Address",
    "Arriving",
    "Bundle",
    "BundledEngine",
    "BundledModel",
    "CacheFolder",
    "CacheKind",
    "CacheKindTotal",
    "CacheState",
    "CacheStats",
    "CacheTotals",
    "CachedModel",
    "Check",
    "Choice",
    "CompiledCache",
    "Cpu",
    "Crash",
    "EngineEnvironment",
    "Eviction",
    "EvictionRule",
    "Exported",
    "Flag",
    "Gpu",
    "GpuState",
    "Image",
    "Job",
    "Machine",
    "Mode",
    "Model",
    "ModelKind",
    "NextStep",
    "Note",
    "Offer",
    "Partition",
    "Plan",
    "Prefetch",
    "ProcessId",
    "Progress",
    "Recipe",
    "Sample",
    "ServerRecord",
    "ServerView",
    "Setting",
    "Source",
    "Stage",
    "StageTime",
    "Startable",
    "State",
    "Status",
    "Top",
    "Usage",
    "Verdict",
    "Waiting",
    "WarmHost",
    "Weights",
]
