"""The verdict on a recipe that was placed on its GPUs, in the terms of a `Choice`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from aim_jupyter.core import adapters, fit
from aim_jupyter.core.choice import checkpoints
from aim_jupyter.core.choice.checkpoints import architecture_of, drafting_for, loaded, name_of
from aim_jupyter.core.choice.history import learned
from aim_jupyter.core.choice.ranking import Conditions
from aim_jupyter.core.choice.terms import on_processor, terms, unknown
from aim_jupyter.core.errors import NoFit
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR, in_bytes
from aim_jupyter.core.recipes.arguments.options import named
from aim_jupyter.core.recipes.arguments.parallel import parallel
from aim_jupyter.core.records import Choice, Gpu, Model, Plan, Recipe, Weights
from aim_jupyter.core.records.fit import Band, CounterOffer, Device, Fit, Settings, Start
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.request.settings import settings_of


class Known(Struct, frozen=True, kw_only=True):
    """What whoever asks knows better than the sum, in bytes of one GPU.

    Attributes
    ----------
    weights, available : Band or None
        What is loaded, and what is left for the KV cache.
    device : Device or None
        GPUs that no recipe is for.
    anywhere : bool
        Whether the room is asked about alone, for no machine.
    online : bool
        Whether the Hub may be asked for the headers of weights that are not on disk.
    """

    weights: Band | None = None
    available: Band | None = None
    device: Device | None = None
    anywhere: bool = False
    online: bool = False


class Judge:
    """Gives each recipe of one model its memory verdict: what `ranking` asks.

    Parameters
    ----------
    starts : tuple of Start, optional
        To learn from, else those of this site.
    """

    def __init__(
        self,
        model: Model,
        conditions: Conditions,
        *,
        starts: tuple[Start, ...] | None = None,
        known: Known | None = None,
    ) -> None:
        self._model = model
        self._machine = conditions.machine
        self._engine_version = conditions.engine_version
        self._starts = learned() if starts is None else starts
        self._known = known or Known()
        self._on_disk: dict[tuple[str, str | None], bool] = {}
        self._read: dict[tuple[str, str, str], tuple[str, fit.Architecture]] = {}

    def __call__(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Choice:
        """Return a placed choice with its verdict and its sum.

        What the fit can't tell is TIGHT with the reason, unless the weights alone are too much.
        """
        device = self._device(choice.recipe, gpus)
        found = fit.assess(self._question(choice.recipe, device, request), whole=False)
        room = found.available is not None and found.available.high > 0
        if found.verdict == "NO" and room and request.context is None and _is_ours(choice.recipe):
            choice = structs.replace(choice, recipe=self._shortened(choice.recipe, device, request))
            found = fit.assess(self._question(choice.recipe, device, request), whole=False)
        if found.verdict == "unknown":
            return unknown(choice, found)
        facts = terms(found, long=request.context == "auto")
        if facts.get("users_fit") is not None:
            facts["users_fit"] *= found.settings.dp
        if device is not None and device.family == "cpu":
            facts |= on_processor(choice.recipe, found, device)
        return structs.replace(choice, **facts, users=request.users or 1)

    def changes(
        self, choice: Choice, gpus: tuple[Gpu, ...], request: Request
    ) -> tuple[CounterOffer, ...]:
        """Return what could be changed for a judged choice to fit better, as the fit has it."""
        return self.sum(choice, gpus, request).offers

    def sum(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Fit:
        """Return the whole sum behind a judged choice, with what would fit instead."""
        device = self._device(choice.recipe, gpus)
        return fit.verdict(self._question(choice.recipe, device, request))

    def exact(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Fit | None:
        """Return the sum as the engine's own code counts it, None where it can't be asked."""
        device, recipe = self._device(choice.recipe, gpus), choice.recipe
        question = self._question(recipe, device, request)
        said = str(self._args(recipe, request).get("hf-overrides") or "")
        config = loaded(self._model, recipe.weights, said)
        from aim_jupyter.core.choice.exactly import counts  # noqa: PLC0415 - rarely asked

        counted = counts(config, question.settings, device) if config else None
        return fit.verdict(structs.replace(question, exact=counted)) if counted else None

    def dry_start(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request, plan: Plan) -> str:
        """Return what the engine's own code makes of a plan; nothing runs.

        Raises
        ------
        NoFit
            If it refuses the settings.
        """
        from aim_jupyter.core.choice import exactly  # noqa: PLC0415 - rarely asked

        device, recipe = self._device(choice.recipe, gpus), choice.recipe
        settings = self._settings(self._args(recipe, request), recipe, request)
        config = loaded(self._model, recipe.weights)
        found = exactly.dry_start(plan, config, settings, device) if config else None
        if found is not None and found.refused:
            line = f"%aim recipes {self._model.name}"
            raise NoFit(f"Dry start: {found.refused} ({found.label}).", line, choice)
        if found is None:
            return f"dry start: {exactly.UNASKED}"
        return f"dry start: the settings are taken and the model is built, {found.label}"

    def _shortened(self, recipe: Recipe, device: Device | None, request: Request) -> Recipe:
        """Return a derived recipe with a context that one user has room for.

        Nobody has asked for the one that it has, nor written it down: it is a rule's.
        """
        one_user = structs.replace(request, users=1)
        alone = self._question(recipe, device, one_user)
        shorter = fit.longest(alone, most=alone.settings.max_model_len)
        if fit.assess(shorter, whole=False).verdict == "NO":
            return recipe
        length = shorter.settings.max_model_len
        args = {**recipe.args, "max-model-len": length}
        return structs.replace(recipe, args=args, context_tokens=length)

    def _question(self, recipe: Recipe, device: Device | None, request: Request) -> fit.Request:
        args = self._args(recipe, request)
        settings = self._settings(args, recipe, request)
        weights = recipe.weights
        name, model = self._loaded(weights, str(args.get("hf-overrides") or ""))
        counted = self._weights(weights.repo, weights.revision, model, settings)
        given = self._known.weights
        question = fit.Request(
            model=name,
            architecture=model,
            device=device,
            settings=settings,
            weights=given or (counted[0] if counted else None),
            basis="exact" if counted and not given else "given",
            counted=counted[1] if counted and not given else "",
            available=self._known.available,
            starts=self._starts,
            drafter=drafting_for(model, settings.speculation),
            revision=weights.revision,
        )
        auto = request.context == "auto" and "max-model-len" not in named(request.options)
        return fit.longest(question) if auto else question

    def _args(self, recipe: Recipe, request: Request) -> dict[str, Any]:
        """Return how the engine would be started: the recipe's options, then the user's."""
        own = _for_vllm(recipe, self._model)
        if request.unset:
            unset = named(dict.fromkeys(request.unset)).keys()
            own = {name: value for name, value in named(own).items() if name not in unset}
        asked = {"max-model-len": request.context} if isinstance(request.context, int) else {}
        if not request.options:
            return {**named(own), **asked}
        return {**named(own), **asked, **_in_words_of_vllm(request.options, recipe)}

    def _settings(self, args: Mapping[str, Any], recipe: Recipe, request: Request) -> Settings:
        wide = parallel(recipe, request.options, request.unset)
        settings = settings_of(args, Settings(engine_version=self._engine_version))
        return structs.replace(
            settings,
            tp=wide.tensor,
            pp=wide.pipeline,
            dp=wide.data,
            # Each copy takes its share of the users, and keeps its own cache.
            users=-(-(request.users or 1) // wide.data),
            max_model_len=settings.max_model_len or recipe.context_tokens,
        )

    def _loaded(self, weights: Weights, overrides: str) -> tuple[str, fit.Architecture]:
        """Return what is loaded, and its name; read once for all recipes with the same weights."""
        what = (weights.repo, weights.precision, overrides)
        if what not in self._read:
            architecture = architecture_of(self._model, weights, overrides)
            self._read[what] = (name_of(self._model, weights), architecture)
        return self._read[what]

    def _weights(
        self, repo: str, revision: str | None, model: fit.Architecture, its: Settings
    ) -> checkpoints.Counted | None:
        """Return the counted weights; the cache is looked into once for each checkpoint."""
        place = (repo, revision)
        if place not in self._on_disk:
            self._on_disk[place] = checkpoints.folder(repo, revision) is not None
        online = self._known.online
        if not (online or self._on_disk[place]):
            return None
        return checkpoints.weights(repo, revision, model, its, online=online)

    def _device(self, recipe: Recipe, gpus: tuple[Gpu, ...]) -> Device | None:
        if self._known.device is not None or self._known.anywhere:
            return self._known.device
        if recipe.gpu_model == "cpu":
            return fit.processor(self._machine)
        kind = gpus[0].model if gpus else None
        free = [gpu for gpu in self._machine.gpus if gpu.state in (None, "free")]
        return fit.device_of(gpus, sum(gpu.model == kind for gpu in free))


def _for_vllm(recipe: Recipe, model: Model) -> dict[str, Any]:
    """Return the arguments in the words of vLLM, whose memory is what the fit knows."""
    if recipe.engine == WRITTEN_FOR:
        return recipe.args
    vllm, other = adapters.get(WRITTEN_FOR), adapters.of(recipe.engine)
    same = adapters.in_words_of(vllm, recipe.args, other)
    return {**recipe.args, **same, **in_bytes(recipe, model)}


def _in_words_of_vllm(options: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    wished = named(options)
    if recipe.engine == WRITTEN_FOR:
        return wished
    vllm, other = adapters.get(WRITTEN_FOR), adapters.of(recipe.engine)
    return {**wished, **adapters.in_words_of(vllm, wished, other)}


def _is_ours(recipe: Recipe) -> bool:
    """Whether a rule has made the recipe, for nothing that anybody has measured."""
    return recipe.origin == "derived" and bool(recipe.context_tokens)
