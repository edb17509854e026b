"""The published schema, and the types that it is made from."""

import json

from aim_jupyter.core import config
from aim_jupyter.core.recipes.files import schema
from aim_jupyter.core.recipes.files.format import ModelFile


def test_the_published_schema_is_in_step() -> None:
    published = (config.shipped_recipes() / "schema.json").read_text()
    assert published == schema.text(), (
        "python -m aim_jupyter.core.recipes.files.schema > recipes/schema.json"
    )
    assert json.loads(published)["$ref"] == "#/$defs/ModelFile"


def test_the_types_and_the_schema_know_the_same_keys() -> None:
    keys = schema.schema()["$defs"]["ModelFile"]["properties"]
    assert set(keys) == set(ModelFile.__struct_fields__)
