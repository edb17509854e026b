"""The verdict on a recipe that was placed on its GPUs, in the terms of a `Choice`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import structs

from aim_jupyter.core import adapters, fit
from aim_jupyter.core.fitting import checkpoints
from aim_jupyter.core.fitting.devices import device_of, processor
from aim_jupyter.core.fitting.history import learned
from aim_jupyter.core.fitting.lines import Asking, offers
from aim_jupyter.core.fitting.models import architecture_of, name_of
from aim_jupyter.core.fitting.settings import named, settings_of
from aim_jupyter.core.fitting.terms import on_processor, terms, unknown
from aim_jupyter.core.recipes.adoption import WRITTEN_FOR, in_bytes
from aim_jupyter.core.recipes.asked import Context
from aim_jupyter.core.records import Choice, Gpu, Machine, Model, Offer, Recipe, Weights
from aim_jupyter.core.records.fit import Device, Settings, Start


class Judge:
    """Gives each recipe of one model its memory verdict: what `recipes.rank` asks.

    Parameters
    ----------
    options : mapping, optional
        The user's own engine options; they beat the recipe's.
    unset : collection of str
        Options of the recipe that the user leaves out.
    engine_version : str or None
        Of the engine that will serve; None is the newest known.
    starts : tuple of Start, optional
        To learn from, else those of this site.
    """

    def __init__(
        self,
        model: Model,
        machine: Machine,
        *,
        options: Mapping[str, Any] | None = None,
        unset: Collection[str] = (),
        engine_version: str | None = None,
        starts: tuple[Start, ...] | None = None,
    ) -> None:
        self._model = model
        self._machine = machine
        self._wishes = named(options or {})
        self._unset = named(dict.fromkeys(unset)).keys()
        self._engine_version = engine_version
        self._starts = learned() if starts is None else starts
        self._on_disk: dict[tuple[str, str | None], bool] = {}
        self._architectures: dict[tuple[str, str], fit.Architecture] = {}

    def __call__(
        self, choice: Choice, gpus: tuple[Gpu, ...], users: int | None, context: Context
    ) -> Choice:
        """Return a placed choice with its verdict and its sum.

        What the fit can't tell is TIGHT with the reason, unless the weights alone are too much.
        """
        device = self._device(choice.recipe, gpus)
        found = fit.assess(self._request(choice.recipe, device, users, context))
        room = found.available is not None and found.available.high > 0
        if found.verdict == "NO" and room and context is None and _is_ours(choice.recipe):
            choice = structs.replace(choice, recipe=self._shortened(choice.recipe, device))
            found = fit.assess(self._request(choice.recipe, device, users, context))
        if found.verdict == "unknown":
            return unknown(choice, found)
        facts = terms(found, long=context == "auto")
        if device is not None and device.family == "cpu":
            facts |= on_processor(choice.recipe, found, device)
        return structs.replace(choice, **facts, users=users or 1)

    def offers(self, choice: Choice, users: int | None, context: Context) -> tuple[Offer, ...]:
        """Return launches near a judged choice that would fit better, each of them checked."""
        recipe = choice.recipe
        gpus = tuple(gpu for gpu in self._machine.gpus if gpu.hip_index in choice.gpus)
        if len(gpus) < recipe.tp and recipe.gpu_model != "cpu":
            return ()  # it is not memory that is missing

        def question(other: Recipe) -> fit.Request:
            return self._request(other, self._device(other, gpus), users, context)

        found = fit.verdict(question(recipe))
        length = context if isinstance(context, int) else None
        asking = Asking(
            model=self._model,
            machine=self._machine,
            users=users,
            context=length,
            options=self._wishes,
        )
        return offers(found, recipe, asking, question)

    def _shortened(self, recipe: Recipe, device: Device | None) -> Recipe:
        """Return a derived recipe with a context that one user has room for.

        Nobody has asked for the one that it has, nor written it down: it is a rule's.
        """
        alone = self._request(recipe, device, 1, None)
        shorter = fit.longest(alone, most=alone.settings.max_model_len)
        if fit.assess(shorter).verdict == "NO":
            return recipe
        length = shorter.settings.max_model_len
        args = {**recipe.args, "max-model-len": length}
        return structs.replace(recipe, args=args, context_tokens=length)

    def _request(
        self, recipe: Recipe, device: Device | None, users: int | None, context: Context
    ) -> fit.Request:
        base = Settings(tp=recipe.tp, users=users or 1, engine_version=self._engine_version)
        own = _for_vllm(recipe, self._model)
        if self._unset:
            own = {name: value for name, value in named(own).items() if name not in self._unset}
        asked = {"max-model-len": context} if isinstance(context, int) else {}
        settings = settings_of({**own, **asked, **self._wishes}, base)
        length = settings.max_model_len or recipe.context_tokens
        settings = structs.replace(settings, max_model_len=length)
        weights = recipe.weights
        model = self._architecture(weights)
        counted = self._weights(weights.repo, weights.revision, model, settings)
        request = fit.Request(
            model=name_of(self._model, weights),
            architecture=model,
            device=device,
            settings=settings,
            weights=counted[0] if counted else None,
            basis="exact" if counted else "given",
            counted=counted[1] if counted else "",
            starts=self._starts,
            revision=weights.revision,
        )
        auto = context == "auto" and "max-model-len" not in self._wishes
        return fit.longest(request) if auto else request

    def _architecture(self, weights: Weights) -> fit.Architecture:
        """Return what is loaded; read once for all recipes with the same weights."""
        what = (weights.repo, weights.precision)
        if what not in self._architectures:
            self._architectures[what] = architecture_of(self._model, weights)
        return self._architectures[what]

    def _weights(
        self, repo: str, revision: str | None, model: fit.Architecture, its: Settings
    ) -> checkpoints.Counted | None:
        """Return the counted weights; the cache is looked into once for each checkpoint."""
        place = (repo, revision)
        if place not in self._on_disk:
            self._on_disk[place] = checkpoints.folder(repo, revision) is not None
        return checkpoints.weights(repo, revision, model, its) if self._on_disk[place] else None

    def _device(self, recipe: Recipe, gpus: tuple[Gpu, ...]) -> Device | None:
        if recipe.gpu_model == "cpu":
            return processor(self._machine)
        kind = gpus[0].model if gpus else None
        free = [gpu for gpu in self._machine.gpus if gpu.state in (None, "free")]
        return device_of(gpus, sum(gpu.model == kind for gpu in free))


def _for_vllm(recipe: Recipe, model: Model) -> dict[str, Any]:
    """Return the arguments in the words of vLLM, whose memory is what the fit knows."""
    if recipe.engine == WRITTEN_FOR:
        return recipe.args
    vllm, other = adapters.get(WRITTEN_FOR), adapters.of(recipe.engine)
    same = adapters.in_words_of(vllm, recipe.args, other)
    return {**recipe.args, **same, **in_bytes(recipe, model)}


def _is_ours(recipe: Recipe) -> bool:
    """Whether a rule has made the recipe, for nothing that anybody has measured."""
    return recipe.origin == "derived" and bool(recipe.context_tokens)
