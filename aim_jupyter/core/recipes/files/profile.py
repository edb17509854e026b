"""AMD's AIM profiles, read as they are: one file per GPU, precision, count and metric.

Their folder has three search paths, each with YAML files at any depth: ``custom/``,
``<org>/<model>/`` and ``general/``. Rules as in aim-build 0.9.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aim_jupyter.core.devices import devices
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.records import Recipe, Weights
from aim_jupyter.core.records.recipe import Origin, Profile

Layer = Literal["custom", "model", "general"]
LAYERS: tuple[Layer, ...] = ("custom", "model", "general")

#: AMD's words for its graphics cards, which our table calls otherwise, or does not have.
_CARDS = (
    "V620", "V710", "W6800", "W6800X", "W6900X", "W7800", "W7900",
    "RX6800", "RX6900", "RX7900", "RX9070",
)  # fmt: skip

_CHECKED_VARIABLE = re.compile(r"[A-Z0-9_]+")


class Metadata(Struct, frozen=True, kw_only=True):
    """The part of a profile that selection looks at."""

    engine: Literal["vllm"]
    gpu: str
    precision: Literal["fp4", "fp8", "fp16", "fp32", "bf16", "int4", "int8"]
    gpu_count: Annotated[int, Meta(ge=0, le=8)]
    metric: Literal["latency", "throughput"]
    manual_selection_only: bool
    type: Literal["optimized", "preview", "unoptimized", "general"]


class ProfileFile(Struct, frozen=True, kw_only=True):
    """One profile file; keys that AMD adds later are left alone."""

    metadata: Metadata
    engine_args: dict[str, Any]
    env_vars: dict[str, Any]
    aim_id: str | None = None
    model_id: str | None = None


def is_profile(data: Any) -> bool:
    """Return whether the content of a file is one of AMD's profiles, good or bad."""
    return isinstance(data, dict) and bool({"metadata", "engine_args", "env_vars"} & data.keys())


def read(document: Document, below: PurePath) -> Recipe:
    """Return the recipe in a profile file.

    Parameters
    ----------
    below : PurePath
        Where the file is, seen from the profile folder.

    Raises
    ------
    RecipeInvalid
        If the file is not what AMD's schema says.
    """
    file = document.convert(ProfileFile)
    if file.metadata.gpu not in gpu_names():
        wanted = f"one of {', '.join(gpu_names())}"
        raise document.invalid(("metadata", "gpu"), wanted, file.metadata.gpu)
    _check_variables(document, file.env_vars)
    folders = _folders(below)
    general = "general" in folders
    if not general and not (file.aim_id and file.model_id):
        raise document.invalid((), "'aim_id' and 'model_id' outside of general/", "none")
    return _recipe(file, _profile(file, below.stem, folders))


def gpu_names() -> tuple[str, ...]:
    """Return what a profile may name as its GPU."""
    rows = (row for row in devices() if row.family == "rocm")
    # AMD's words have no spaces; of graphics cards they are other ones than ours.
    return ("NONE", *(row.model for row in rows if row.model and " " not in row.model), *_CARDS)


def _check_variables(document: Document, variables: dict[str, Any]) -> None:
    for name, value in variables.items():
        if _CHECKED_VARIABLE.fullmatch(name) and not isinstance(value, str):
            raise document.invalid(("env_vars", name), "a string in quotes", repr(value))


def _folders(below: PurePath) -> tuple[str, ...]:
    """Return the folders of a file as seen from the profile folder."""
    # AMD's loader looks for "/custom/" and "/general/" in the whole absolute path, so that a home
    # called "custom" makes everything custom: an accident, not a rule.
    parts = below.parts[:-1]
    return parts[parts.index("profiles") + 1 :] if "profiles" in parts else parts


def _profile(file: ProfileFile, stem: str, folders: tuple[str, ...]) -> Profile:
    meta = file.metadata
    general = "general" in folders
    layer = _layer(folders)
    return Profile(
        id="/".join([*_prefix(layer, None if general else file.aim_id), stem]),
        layer=layer,
        type=meta.type,
        gpu=meta.gpu,
        gpu_count=meta.gpu_count,
        precision=meta.precision,
        metric=meta.metric,
        engine=meta.engine,
        aim_id=None if general else file.aim_id,
        manual_only=meta.manual_selection_only,
    )


def _layer(folders: tuple[str, ...]) -> Layer:
    first = folders[0] if folders else ""
    return "custom" if first == "custom" else "general" if first == "general" else "model"


def _prefix(layer: Layer, aim_id: str | None) -> list[str]:
    """Return what AMD puts before the file's name to make its id; `aim_id` is None if general."""
    if layer == "custom":
        return ["custom", aim_id or "general"]
    return [] if aim_id else ["general"]


def _recipe(file: ProfileFile, profile: Profile) -> Recipe:
    model = profile.aim_id or ""
    return Recipe(
        id=profile.id,
        model=model,
        weights=Weights(repo=(model and file.model_id) or model, precision=profile.precision),
        gpu_model="cpu" if profile.gpu == "NONE" else profile.gpu,
        tp=max(profile.gpu_count, 1),
        precision=profile.precision,
        metric=profile.metric,
        engine=profile.engine,
        # To AMD's runtime, false is the same as absent.
        args={name: value for name, value in file.engine_args.items() if value is not False},
        env={name: str(value) for name, value in file.env_vars.items()},
        origin=_origin(profile),
        source=f"AMD AIM profile, {profile.type}",
        # A general profile is chosen by itself only where a fallback is asked for.
        manual_only=profile.manual_only or profile.aim_id is None,
        profile=profile,
    )


def _origin(profile: Profile) -> Origin:
    if profile.layer == "custom":
        return "user"
    validated = profile.type in ("optimized", "preview")
    return "amd-validated" if validated else "published"
