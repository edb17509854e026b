"""One file, whichever of the three formats it has."""

from pathlib import PurePath

import pytest

from aim_jupyter.core.errors import RecipeInvalid
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.reading import read
from aim_jupyter.core.records import Model, Recipe
from tests.core.conftest import Write

OURS = "model: a/b\nweights: {bf16: a/b}\n"
AMDS = """
aim_id: a/b
model_id: a/b
metadata:
  {engine: vllm, gpu: MI300X, precision: fp8, gpu_count: 1, metric: latency,
   manual_selection_only: false, type: optimized}
engine_args: {}
env_vars: {}
"""
PROTOTYPES = "recipe_id: r\nmodel_id: a/b\nhardware: MI300X\nprecision: bf16\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [(OURS, Model), (AMDS, Recipe), (PROTOTYPES, Model), ("aim_recipes: []\n", type(None))],
)
def test_the_format_is_known_by_its_keys(write: Write, text: str, kind: type) -> None:
    path = write("a.yaml", text) / "a.yaml"
    assert isinstance(read(Document.open(path), PurePath("a/b/a.yaml")), kind)


def test_what_is_none_of_them_is_refused_as_ours(write: Write) -> None:
    path = write("a.yaml", "some: thing\n") / "a.yaml"
    with pytest.raises(RecipeInvalid, match=r"a\.yaml"):
        read(Document.open(path), PurePath("a.yaml"))
