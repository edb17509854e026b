"""Whether a model fits: the verdict that a launch would be judged by, with its whole sum."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

from aim_jupyter.core import fit as memory
from aim_jupyter.core import recipes
from aim_jupyter.core.api.lines import with_variables
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, UnknownName
from aim_jupyter.core.fit.answer import Parameters, described, parsed, read
from aim_jupyter.core.planning.resolving import Found
from aim_jupyter.core.records import Choice, Gpu, Machine, Recipe, Weights
from aim_jupyter.core.records.fit import Band, Device, Fit, Start
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import GIB

if TYPE_CHECKING:
    from aim_jupyter.core.api.planner import Judged

#: The engine's option for what the verb ``fit`` has a shorter word for.
_OPTIONS = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dtype": "dtype",
    "kv_dtype": "kv-cache-dtype",
    "quantization": "quantization",
    "util": "gpu-memory-utilization",
    "max_num_seqs": "max-num-seqs",
    "max_num_batched_tokens": "max-num-batched-tokens",
    "block_size": "block-size",
}
#: Weights of this type are those of a recipe of this precision.
_PRECISIONS = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_SIZES = (1, 2, 4, 8)
_CONFIG = "this config"


class Answered(Struct, frozen=True, kw_only=True):
    """A verdict with its sum.

    Attributes
    ----------
    choice : Choice or None
        The recipe that a launch would take, with the verdict; None where there is no telling.
    """

    fit: Fit
    choice: Choice | None = None


def fit(parameters: Mapping[str, Any]) -> Answered:
    """Return whether something will fit: the verdict with its sum, and what would fit instead.

    Parameters
    ----------
    parameters : mapping
        As `core.fit.answer.Parameters` has them, AMD's ``AIM_*`` variables behind them; without
        ``machine`` it is this one, as it is now, and without ``tp`` the recipe and the number of
        GPUs that a launch would take.

    Raises
    ------
    BadUsage, UnknownName
        If the question itself is wrong.
    """
    return _answered(parsed(parameters), with_variables)


def fits(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a plain answer for each question, a line of JSON; one that can't be had says why."""
    for line in filter(str.strip, lines):
        try:
            question = msgspec.json.decode(line.encode(), type=dict[str, Any])
            asked = parsed({"exact": False, **question})  # by itself it takes seconds
            yield fit_json(_answered(asked, lambda request: request))
        except (AimError, msgspec.DecodeError, UnicodeError) as error:
            yield {"verdict": "unknown", "reason": str(error)}


def starts() -> list[Start]:
    """Return all starts on this site, the newest first: what was predicted, and what it took.

    Raises
    ------
    StateUnusable
        If their file can't be read.
    """
    from aim_jupyter.core import choice  # noqa: PLC0415 - only verbs that judge pay for it

    return choice.history()


def fit_json(answered: Answered) -> dict[str, Any]:
    """Return an answer as plain JSON, with memory in GiB of one GPU."""
    plain, choice = memory.as_json(answered.fit), answered.choice
    if choice is None:
        return plain
    # A launch may be tried where nothing can be told; whoever asks is told that.
    said = (choice.verdict, choice.reason) if answered.fit.verdict != "unknown" else None
    verdict, reason = said or (answered.fit.verdict, answered.fit.reason)
    return plain | {
        "verdict": verdict,
        "reason": reason,
        "recipe": choice.recipe.id,
        "gpus": list(choice.gpus),
        "counter_offers": [msgspec.to_builtins(offer) for offer in choice.offers],
    }


def _answered(asked: Parameters, behind: Any) -> Answered:
    there, device = _there(asked)
    known = _known(asked, device)
    request = _request(asked)
    try:
        found = _model(asked)
        if found is None and not request.model:
            raise BadUsage("No model is named.", "%aim recipes")
        request = behind(request) if found is None else request
        judged = _judged(asked, there, request, found, known)
    except ModelMissing as error:
        return _unknown(request.model, error.found)
    if device is not None:
        return _on(device, judged)
    first = judged.choices[0] if judged.choices else None
    if first is None:
        return _unknown(request.model, f"there is no recipe for {request.model}")
    return _counted(asked, judged, first)


def _judged(
    asked: Parameters, there: Machine, request: Request, found: Found | None, known: Any
) -> Judged:
    from aim_jupyter.core.api.planner import Planner  # noqa: PLC0415 - as above

    planner = Planner(there, engine_version=asked.engine_version, starts=asked.starts or None)
    return planner.judged(request, found=found, known=known)


def _counted(asked: Parameters, judged: Judged, first: Choice) -> Answered:
    """Return the sum; by the engine's own code where that is wanted, or where ours is unknown."""
    gpus = judged.conditions.machine.gpus
    found = _sum(judged, first, gpus)
    wanted = asked.exact or (found.verdict == "unknown" and asked.exact is not False)
    placed = tuple(gpu for gpu in gpus if gpu.hip_index in first.gpus)
    exact = judged.judge.exact(first, placed, judged.request) if wanted else None
    if exact is None or exact.verdict == "unknown":
        return Answered(fit=found, choice=first)
    choice = structs.replace(first, verdict=exact.verdict, reason=exact.reason, offers=())
    return Answered(fit=exact, choice=choice)


def _sum(judged: Judged, choice: Choice, gpus: tuple[Gpu, ...]) -> Fit:
    placed = tuple(gpu for gpu in gpus if gpu.hip_index in choice.gpus)
    found: Fit = judged.judge.sum(choice, placed, judged.request)
    return found


def _on(device: Device, judged: Judged) -> Answered:
    """Return the verdict on GPUs that no recipe is for: with the engine's own defaults."""
    model, request = judged.model, judged.request
    weights = next(iter(model.weights.values()), Weights(repo=model.name, precision="auto"))
    wanted = request.options.get(_OPTIONS["tp"])
    answers = []
    for tp in (int(str(wanted)),) if wanted else _SIZES:
        recipe = Recipe(
            id=f"{device.model}, {tp} of {device.count}",
            model=model.name,
            weights=weights,
            gpu_model=device.model,
            tp=tp,
        )
        placed = Choice(recipe=recipe, verdict="NO", reason="", gpus=tuple(range(tp)))
        choice = judged.judge(placed, (), request)
        answers.append(Answered(fit=judged.judge.sum(choice, (), request), choice=choice))
        if choice.verdict == "FITS":
            return answers[-1]
    return answers[0]


def _request(asked: Parameters) -> Request:
    given = {
        option: str(value)
        for name, option in _OPTIONS.items()
        if (value := getattr(asked, name)) is not None
    }
    if asked.kv_cache_gib is not None:
        given["kv-cache-memory-bytes"] = str(int(asked.kv_cache_gib * GIB))
    eager = {"enforce-eager": None} if asked.enforce_eager else {}
    if asked.prefix_caching is not None:
        given["enable-prefix-caching"] = str(asked.prefix_caching).lower()
    if asked.hf_overrides is not None:
        said = asked.hf_overrides
        given["hf-overrides"] = said if isinstance(said, str) else json.dumps(said)
    return Request(
        model=asked.model,
        recipe=asked.recipe,
        precision=_PRECISIONS.get(asked.dtype or ""),
        users=asked.users,
        context=asked.max_model_len,
        options={**given, **eager},
    )


def _model(asked: Parameters) -> Found | None:
    """Return the model of a config that is given, None where it is only named.

    A folder needs no weights to be asked about.
    """
    folder = Path(asked.model).expanduser()
    if asked.config is not None:
        config = asked.config if isinstance(asked.config, dict) else read(asked.config)
        name = asked.model or _CONFIG
    elif asked.model and os.path.isfile(folder / "config.json"):  # noqa: PTH113 - any name
        config, name = read(folder), str(folder.absolute())
    else:
        return None
    return Found(model=recipes.derive(name, dict(config)))


def _there(asked: Parameters) -> tuple[Machine, Device | None]:
    """Return the machine that is meant, and the device where no recipe is for its GPUs.

    Raises
    ------
    UnknownName
        If no machine of that name can be simulated, nor was one measured.
    """
    if asked.machine is None or isinstance(asked.machine, str):
        try:
            return _freed(machine(asked.machine), asked), None
        except UnknownName as error:
            try:
                device = memory.device(asked.machine or "")
            except UnknownName:
                raise error from None
    else:
        device = described(asked.machine)
    if asked.free_gib is not None:
        device = structs.replace(device, free_bytes=int(asked.free_gib * GIB))
    return Machine(host=device.model, simulated=True), device


def _freed(there: Machine, asked: Parameters) -> Machine:
    """Return a machine whose devices have as much free memory as was said."""
    if asked.free_gib is None:
        return there
    free = int(asked.free_gib * GIB)
    gpus = (
        structs.replace(gpu, vram_used_bytes=max(0, (gpu.vram_bytes or 0) - free))
        for gpu in there.gpus
    )
    cpu = structs.replace(there.cpu, memory_available_bytes=free) if not there.gpus else there.cpu
    return structs.replace(there, gpus=tuple(gpus), cpu=cpu)


def _known(asked: Parameters, device: Device | None) -> Any:
    from aim_jupyter.core.choice import Known  # noqa: PLC0415 - as above

    return Known(
        weights=_band(asked.weights_gib),
        available=_band(asked.available_kv_gib),
        device=device,
        anywhere=asked.machine is None and asked.available_kv_gib is not None,
    )


def _band(gib: float | None) -> Band | None:
    return None if gib is None else Band(gib * GIB, gib * GIB)


def _unknown(name: str, why: str) -> Answered:
    fit = Fit(model=name, verdict="unknown", reason=why, settings=memory.Settings(), notes=(why,))
    return Answered(fit=fit)
