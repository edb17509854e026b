"""Where engines are installed from: data in ``sources.toml``, whose head explains each field."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import files
from aim_jupyter.core.errors import BadUsage

SHIPPED = Path(__file__).with_name("sources.toml")
_AS_SHIPPED = f"one as {SHIPPED} is"

#: What an environment is asked for by: vLLM's by the platform, another engine's by its name.
InstallPlatform = Literal["cpu", "rocm", "sglang"]


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place that may have the engine."""

    name: str
    text: str
    requirements: tuple[str, ...] = ()
    lock: str = ""
    arguments: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    glibc: str = ""
    disk_gb: float = 0.0
    unwanted: tuple[str, ...] = ()


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the environment of one engine for one platform is made.

    Attributes
    ----------
    platform : str
        What it serves on.
    engine : str
        By the name of its adapter.
    name : str
        Of the environment.
    pythons : tuple of str
        Versions that the engine is built for, such as ``3.12``, best first.
    glibc : str
        The oldest that any source supports; empty where it does not matter.
    gfx : tuple of str
        GPU architectures of which one must be here; empty for CPUs.
    torch : str
        What torch must have been built for, the first word of `probe_cache.Answer.torch`.
    container : str
        The image to advise where this machine does not qualify.
    """

    platform: Literal["cpu", "rocm"]
    name: str
    pythons: tuple[str, ...]
    sources: tuple[Source, ...]
    engine: Literal["vllm", "sglang"] = "vllm"
    glibc: str = ""
    gfx: tuple[str, ...] = ()
    torch: str = ""
    container: str = ""


def read(path: Path = SHIPPED) -> dict[InstallPlatform, Recipe]:
    """Return the recipes of a file by what they are asked for; a lock lies beside the file.

    Raises
    ------
    BadUsage
        If the file is not as the shipped one is.
    """
    try:
        recipes = files.table(path, dict[str, list[Recipe]])["recipes"]
    except (OSError, ValueError, KeyError) as error:
        raise BadUsage(f"{path} is no list of engine sources: {error}.", _AS_SHIPPED) from error
    return {_word(recipe): _beside(path, recipe) for recipe in recipes}


def _beside(path: Path, recipe: Recipe) -> Recipe:
    here = path.resolve().parent
    found = (replace(one, lock=one.lock and str(here / one.lock)) for one in recipe.sources)
    return replace(recipe, sources=tuple(found))


def _word(recipe: Recipe) -> InstallPlatform:
    return recipe.platform if recipe.engine == "vllm" else recipe.engine
