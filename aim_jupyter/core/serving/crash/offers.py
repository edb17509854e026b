"""Whether what a card offers would fit: asked of the fit before it is offered.

Where the model's config or its GPUs are not known here, as for a log from elsewhere, nobody can
ask: then the engine's own sum stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

from msgspec import structs

from aim_jupyter.core import fit, gpus
from aim_jupyter.core.records import Plan
from aim_jupyter.core.records.fit import Device
from aim_jupyter.core.request import settings as told

#: The engine whose memory the fit knows.
_KNOWN = "vllm"
#: What changes the sum, beside options that are settings of it.
_CONTEXT = "context"


def refused(plan: Plan, new: Mapping[str, str], dropped: Collection[str] = ()) -> bool:
    """Whether the fit says that a start with these options has no room.

    Parameters
    ----------
    new : mapping
        Options that the launch line gets, by the engine's names.
    dropped : collection of str
        Options that it loses.
    """
    question = _question(plan)
    if question is None:
        return False
    left = question.settings
    if not {"max-model-len", _CONTEXT} & new.keys() and {"max-model-len", _CONTEXT} & {*dropped}:
        left = structs.replace(left, max_model_len=None)
    if "kv-cache-memory-bytes" in dropped:
        left = structs.replace(left, kv_cache_bytes=None)
    settings = told.settings_of(new, left)
    if settings == question.settings:
        return False
    changed = structs.replace(question, settings=settings, weights=None)
    return fit.assess(changed, whole=False).verdict == "NO"


def context(plan: Plan, most: int) -> int | None:
    """Return the longest context of at most `most` tokens that the fit does not refuse.

    None where there is none of use; `most` itself where the fit can't be asked.
    """
    question = _question(plan)
    if question is None or not _is_refused(question, most):
        return most
    length = fit.longest(question, most=most).settings.max_model_len or 0
    return length if 0 < length <= most and not _is_refused(question, length) else None


def _is_refused(question: fit.Request, length: int) -> bool:
    asked = structs.replace(question.settings, max_model_len=length)
    found = fit.assess(structs.replace(question, settings=asked), whole=False)
    return found.verdict == "NO"


def _question(plan: Plan) -> fit.Request | None:
    """Return what the start of a plan asks of the fit, None where too little is known."""
    if plan.engine != _KNOWN or not plan.argv:
        return None
    config = told.config_of_plan(plan)
    device = _device(plan)
    if config is None or device is None:
        return None
    settings = structs.replace(told.of_plan(plan), users=_users(plan))
    return fit.Request(
        model=plan.model,
        architecture=fit.architecture(config),
        device=device,
        settings=settings,
    )


def _device(plan: Plan) -> Device | None:
    """Return the GPUs as they are now: the engine is gone, and what is held is others'."""
    machine = gpus.machine()
    own = [gpu for gpu in machine.gpus if gpu.hip_index in plan.gpus]
    return fit.device_of(own, len(own)) if plan.gpus else fit.processor(machine)


def _users(plan: Plan) -> int:
    """Return how many users were asked for."""
    said = next((after for word, after in itertools.pairwise(plan.asked) if word == "--users"), "")
    return int(said) if said.isdecimal() and int(said) else 1
