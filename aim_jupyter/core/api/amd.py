"""A request put to AMD's own rules: what they would take, or the commands that lead to a plan."""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core import adapters
from aim_jupyter.core.choice import amd_rules
from aim_jupyter.core.choice.amd_rules import NotFound, Question, Selected
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Choice, Machine, Model
from aim_jupyter.core.request import Request


class Amd(Struct, frozen=True, kw_only=True):
    """AMD's selector for one machine.

    Attributes
    ----------
    fallback : bool
        Let it take general profiles.
    gpu_model : str or None
        It takes the word for it, whatever is there.
    """

    catalogue: Catalogue
    machine: Machine
    fallback: bool = False
    gpu_model: str | None = None

    def choices(self, request: Request) -> tuple[Model, tuple[Choice, ...]]:
        """Return the model of what is taken, and all recipes with what is said of each.

        Raises
        ------
        NotFound
            If nothing is.
        """
        question = self._question(request, request.model, request.recipe)
        registry = self.catalogue.registry(request.model)
        selected = amd_rules.select(registry, question)
        if selected.recipe is None:
            line = f"%aim plan {request.model} --policy aim --recipe {{}}"
            found = amd_rules.not_found(question, selected)
            raise NotFound(found, map(line.format, selected.manual))
        model = Model(name=selected.recipe.model or request.model)
        return model, amd_rules.choices(registry, self.machine, question)

    def taken(self, request: Request, model: str) -> Selected:
        """Return what would be taken of a model's recipes."""
        return amd_rules.select(self.catalogue.registry(model), self._question(request, model))

    def _question(self, request: Request, model: str, profile: str | None = None) -> Question:
        gpu, count = amd_rules.gpus_of(self.machine)
        if self.gpu_model:
            gpu, count = self.gpu_model.upper(), 1
        return Question(
            model=model,
            gpu=gpu,
            gpu_count=request.most_gpus or count,
            precision=request.precision,
            metric=request.metric,
            engine=request.engine if adapters.is_known(request.engine) else None,
            profile_id=profile,
            fallback=self.fallback,
        )
