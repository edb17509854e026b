"""The verb ``fit``: what somebody describes in words, on the machine here or one that is named."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from aim_jupyter.core import fit, gpus, recipes
from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, UnknownName
from aim_jupyter.core.fitting import checkpoints, lines
from aim_jupyter.core.fitting.devices import chosen, recipe_kind
from aim_jupyter.core.fitting.history import learned
from aim_jupyter.core.fitting.models import config_for, known_config, name_of
from aim_jupyter.core.fitting.settings import settings_of
from aim_jupyter.core.fitting.terms import terms
from aim_jupyter.core.records import Choice, Model, Offer, Recipe, Weights
from aim_jupyter.core.records.fit import Device, Fit, Settings

Resolve = Callable[[str], Model]
"""From a model's name to the model; raises `UnknownName` or `ModelMissing`."""

_GIB = 2**30
# What a launch line calls what the verb ``fit`` has shorter words for.
_OPTIONS = {
    "dtype": "dtype",
    "kv_dtype": "kv-cache-dtype",
    "util": "gpu-memory-utilization",
    "quantization": "quantization",
    "max_num_seqs": "max-num-seqs",
    "max_num_batched_tokens": "max-num-batched-tokens",
}


class Answered(Struct, frozen=True, kw_only=True):
    """A verdict, and the same as a choice with offers that can be run.

    Attributes
    ----------
    lines : tuple of (str or None)
        For each of the fit's offers the complete command, None where there is none.
    """

    fit: Fit
    choice: Choice
    lines: tuple[str | None, ...] = ()


class _Subject(Struct, frozen=True, kw_only=True):
    """What a question is about, as far as it is known.

    Attributes
    ----------
    repo : str
        The checkpoint, where it was named.
    recipe : Recipe or None
        Whose options hold where the question says nothing.
    """

    given: dict[str, Any]
    device: Any = None
    config: dict[str, Any] | None = None
    model: Model | None = None
    repo: str = ""
    recipe: Recipe | None = None


class Asker:
    """Answers questions, any number of them; reads catalogue and history once.

    Parameters
    ----------
    resolve : callable
        Where to look for a model that neither the catalogue nor the fit knows.
    online : bool
        Whether the Hub may be asked for the headers of weights that are not on disk.
    """

    def __init__(self, resolve: Resolve, *, online: bool = False) -> None:
        self._resolve = resolve
        self._online = online

    def ask(self, parameters: Mapping[str, Any]) -> Answered:
        """Return the verdict on what `parameters` describe.

        Parameters
        ----------
        parameters : mapping
            As `fit.answer` takes them; `machine` may be any that can be simulated, and without one
            it is this machine, as it is now. ``recipe`` takes over that recipe's options, and
            ``context`` is another name of ``max_model_len``.

        Raises
        ------
        BadUsage
            If a parameter is unknown or of the wrong kind.
        UnknownName
            If there is no such model, recipe or machine, with the nearest.
        """
        named = {name.replace("-", "_"): value for name, value in parameters.items()}
        given = {
            "max_model_len" if name == "context" else name: value
            for name, value in named.items()
            if value is not None
        }
        for name in ("model", "recipe"):
            if not isinstance(given.get(name, ""), str):
                raise BadUsage(f"{name} is {given[name]!r}.", f"give {name} as a name")
        subject = self._subject(given, _device(given))
        own = _defaults(subject.recipe) if subject.recipe else {}
        question = {**own, **subject.given, "machine": subject.device, "starts": self._starts}
        question.pop("recipe", None)
        if subject.config is not None:
            question |= {"config": subject.config, "model": subject.repo}
        found = fit.ask(question, self._counted(subject) if subject.repo else None)
        return self._answered(found, subject)

    def answers(self, source: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield an answer for each line of JSON; one that can't be had says why."""
        for line in filter(str.strip, source):
            try:
                question = msgspec.json.decode(line.encode(), type=dict[str, Any])
                yield as_json(self.ask(question))
            except (AimError, msgspec.DecodeError, UnicodeError) as error:
                yield {"verdict": "unknown", "reason": str(error)}

    def _counted(self, subject: _Subject) -> Callable[..., checkpoints.Counted | None]:
        def counted(model: fit.Architecture, settings: Settings) -> checkpoints.Counted | None:
            recipe = subject.recipe
            own = recipe.weights if recipe else Weights(repo=subject.repo, precision="auto")
            return checkpoints.weights(own.repo, own.revision, model, settings, online=self._online)

        return counted

    @functools.cached_property
    def _catalogue(self) -> recipes.Catalogue:
        return recipes.catalogue()

    @functools.cached_property
    def _starts(self) -> Any:
        return msgspec.to_builtins(learned())

    def _subject(self, given: dict[str, Any], device: Any) -> _Subject:
        """Find the config of the model that is meant, by its name or by its folder."""
        name, wanted = given.get("model"), given.get("recipe")
        plain = _Subject(given=given, device=device)
        if not isinstance(name, str) or not name:
            if "config" not in given:
                raise BadUsage("No model is named.", "%aim fit MODEL, or --config FILE")
            return plain
        if "config" in given or Path(name).expanduser().is_dir():
            return plain
        on_cpu = isinstance(device, Device) and device.family == "cpu"
        known = known_config(name)
        if known is not None and wanted is None and not on_cpu:
            return structs.replace(plain, config=known, repo=name)
        model = self._model(name)
        if model is None:
            return plain
        kind = "cpu" if on_cpu else recipe_kind(device)
        model = recipes.complete(model, (kind,) if kind else ())
        recipe = _recipe(model, wanted, kind="cpu" if on_cpu else None)
        weights = recipe.weights if recipe else _weights(model, name)
        return structs.replace(
            plain,
            config=known_config(weights.repo) or config_for(model, weights),
            model=model,
            repo=name_of(model, weights),
            recipe=recipe,
        )

    def _model(self, name: str) -> Model | None:
        """Return the model, None where nobody knows it: the verdict is then "unknown"."""
        try:
            return self._catalogue.find(name)
        except UnknownName:
            known = known_config(name)
            if known is not None:
                return recipes.derive(name, known)
        try:
            return self._resolve(name)
        except ModelMissing:
            return None

    def _answered(self, found: Fit, subject: _Subject) -> Answered:
        """Return the verdict with its offers as commands."""
        made = self._offers(found, subject) if found.offers else []
        return Answered(
            fit=found, choice=_choice(found, subject, made), lines=tuple(map(_line, made))
        )

    def _offers(self, found: Fit, subject: _Subject) -> list[Offer | None]:
        given, kind = subject.given, recipe_kind(subject.device)
        model = subject.model
        if model is None and subject.config is not None and kind is not None:
            named = self._model(given["model"])
            model = recipes.complete(named, (kind,)) if named else None
        options = {_OPTIONS[name]: given[name] for name in _OPTIONS if name in given}
        users, length = given.get("users"), _asked_length(given, found)
        asking = (
            lines.Asking(model=model, users=users, context=length, options=options)
            if model
            else None
        )

        def recipe_for(tp: int) -> Recipe | None:
            own = [subject.recipe] if subject.recipe and subject.recipe.tp == tp else []
            return next(iter([*own, *_recipes_of(model, kind, subject.repo, tp)]), None)

        def question(recipe: Recipe) -> fit.Request:
            base = Settings(
                tp=recipe.tp,
                users=found.settings.users,
                engine_version=found.settings.engine_version,
            )
            asked = {**options, **({"max-model-len": length} if length else {})}
            return fit.Request(
                model=found.model,
                architecture=fit.architecture(subject.config or {}),
                device=found.device,
                settings=settings_of({**recipe.args, **asked}, base),
                starts=learned(),
            )

        return lines.for_question(
            found, asking, recipe_for, question, {**given, "max_model_len": length}
        )


def _asked_length(given: Mapping[str, Any], found: Fit) -> int | None:
    """Return the context that an offer keeps; "auto" is the number that it stood for."""
    length = given.get("max_model_len")
    return found.settings.max_model_len if length == "auto" else length


def _recipes_of(model: Model | None, kind: str | None, repo: str, tp: int) -> list[Recipe]:
    """Return the recipes with these weights for so many GPUs, manual-only ones last."""
    alike = (
        one
        for one in (model.recipes if model else ())
        if one.gpu_model == kind and one.tp == tp and one.weights.repo == repo
    )
    return sorted(alike, key=lambda one: one.manual_only)


def as_json(answered: Answered) -> dict[str, Any]:
    """Return an answer as plain JSON: that of `fit.as_json`, its offers with their lines."""
    plain = fit.as_json(answered.fit)
    pairs = zip(plain["counter_offers"], answered.lines, strict=True)
    plain["counter_offers"] = [{**offer, "line": line} for offer, line in pairs]
    return plain


def _device(given: Mapping[str, Any]) -> Any:
    """Return the GPUs that are meant, None where the question needs none.

    Raises
    ------
    UnknownName
        If no machine of that name can be simulated, nor was one measured.
    """
    machine = given.get("machine")
    if machine is None and "available_kv_gib" in given:
        return None
    if machine is not None and not isinstance(machine, str):
        return machine  # described by its facts
    count = _count(given, "tp") * _count(given, "pp")
    try:
        return chosen(gpus.machine(machine), count)
    except UnknownName as error:
        try:
            return fit.device(machine or "")
        except UnknownName:
            raise error from None


def _count(given: Mapping[str, Any], name: str) -> int:
    try:
        return max(1, int(given.get(name, 1)))
    except (TypeError, ValueError, OverflowError):
        return 1  # the fit refuses it in its own words


def _weights(model: Model, name: str) -> Weights:
    """Return the variant that was named by its repository, else the model's own."""
    variants = [*model.weights.values(), *(one.weights for one in model.recipes)]
    named = [one for one in variants if one.repo == name]
    own = [one for one in variants if one.repo == model.name]
    return next(iter([*named, *own, *variants]))


def _recipe(model: Model, name: str | None, kind: str | None) -> Recipe | None:
    """Return the recipe whose options hold: the one asked for, else the first of a kind."""
    if name is None:
        return next((one for one in model.recipes if one.gpu_model == kind), None)
    for recipe in model.recipes:
        if recipe.id == name:
            return recipe
    ids = [one.id for one in model.recipes]
    raise UnknownName("recipe", name, ids, f"%aim recipes {model.name}")


def _defaults(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's options as parameters of the question."""
    plain, found = Settings(), settings_of(recipe.args, Settings(tp=recipe.tp))
    values = {
        name: (getattr(found, name), getattr(plain, name)) for name in found.__struct_fields__
    }
    changed = {name: value for name, (value, usual) in values.items() if value != usual}
    fixed = changed.pop("kv_cache_bytes", None)
    return changed if fixed is None else {**changed, "kv_cache_gib": fixed / _GIB}


def _choice(found: Fit, subject: _Subject, made: Sequence[Offer | None]) -> Choice:
    """Return the verdict as a choice, for the picture of its sum."""
    device = found.device.model if found.device else "any GPU"
    tp = found.settings.tp * found.settings.pp
    label = f"{tp} x {device}" if tp > 1 else device
    recipe = subject.recipe or Recipe(
        id=label,
        model=subject.repo or found.model,
        weights=Weights(repo=subject.repo or found.model, precision="auto"),
        gpu_model=device,
        tp=tp,
    )
    facts = terms(found) if found.verdict != "unknown" else {"reason": found.reason}
    verdict = found.verdict if found.verdict != "unknown" else "TIGHT"
    return Choice(
        **{
            "recipe": recipe,
            "verdict": verdict,
            "users": found.settings.users,
            "offers": tuple(filter(None, made)),
            **facts,
        }
    )


def _line(offer: Offer | None) -> str | None:
    return offer.line if offer else None
