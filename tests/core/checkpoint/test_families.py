"""What a family of models has in common."""

from __future__ import annotations

import pytest

from aim_jupyter.core.checkpoint.families import architectures, families, family
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable


def test_a_family_is_named_by_its_type_or_else_by_its_class() -> None:
    by_type = family(Fields({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}))
    assert by_type == family(Fields({"architectures": ["LlamaForCausalLM"]}))
    assert by_type[0] == "llama"
    assert family(Fields({"model_type": "llama_text"}))[0] == "llama"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "neither model_type nor architectures is there"),
        ({"model_type": "nobodys"}, "nobodys"),
        ({"model_type": "llama", "architectures": ["WhisperModel"]}, "is not one of 'llama'"),
        ({"model_type": 7}, "not a text"),
    ],
)
def test_what_is_not_known_says_so(config: dict[str, object], said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        family(Fields(config))


def test_every_class_of_the_table_leads_to_its_family() -> None:
    for kind, traits in families().items():
        for name in traits.architectures:
            assert name in architectures()
            assert family(Fields({"model_type": kind, "architectures": [name]}))[0] == kind
