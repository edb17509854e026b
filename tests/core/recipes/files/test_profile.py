"""AMD's AIM profiles, read as they are."""

from pathlib import Path

import pytest

from aim_jupyter.core.recipes import Catalogue
from tests.core.conftest import Write
from tests.core.recipes.test_aim import ask

PROFILE = """\
aim_id: {aim_id}
model_id: {aim_id}
metadata:
  engine: vllm
  gpu: MI300X
  precision: {precision}
  gpu_count: {count}
  metric: latency
  manual_selection_only: {manual}
  type: {type}
engine_args: {{max-num-seqs: 8, enable-log-requests: false}}
env_vars: {{VLLM_ROCM_USE_AITER: '1'}}
"""


def profile(**facts: object) -> str:
    usual = {
        "aim_id": "org/m",
        "precision": "fp16",
        "count": 1,
        "manual": "false",
        "type": "optimized",
    }
    return PROFILE.format(**usual | facts)


def test_ids_of_the_four_places(write: Write) -> None:
    write("org/m/own.yaml", profile())
    write("custom/deep/er/mine.yaml", profile())
    write("custom/general/any.yaml", profile(type="general"))
    folder = write("general/all.yaml", profile(type="general").replace("aim_id: org/m\n", ""))
    ids = {recipe.id for recipe in Catalogue([folder]).registry("org/m")}
    assert ids == {"own", "custom/org/m/mine", "custom/general/any", "general/all"}


def test_the_folder_above_profiles_will_do(aim_profiles: Path) -> None:
    found = ask(Catalogue([aim_profiles.parent]), "Qwen/Qwen3-32B", gpu_count=2, fallback=True)
    assert found
    assert found.id == "general/vllm-mi300x-fp16-tp2-latency"


def test_false_is_absent_and_a_general_profile_waits_to_be_asked(write: Write) -> None:
    write("org/m/a.yaml", profile())
    folder = write("general/g.yaml", profile(type="general"))
    recipes = {one.id: one for one in Catalogue([folder]).find("org/m").recipes}
    assert recipes["a"].args == {"max-num-seqs": 8}
    assert (recipes["a"].origin, recipes["a"].manual_only) == ("amd-validated", False)
    assert recipes["general/g"].manual_only
    assert recipes["general/g"].model == "org/m"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("MI300X", "MI301X"), "line 5: expected metadata.gpu: "),
        (("fp16", "mxfp4"), "line 6: expected metadata.precision: "),
        (
            ("gpu_count: 1", "gpu_count: 9"),
            "line 7: expected metadata.gpu_count: int <= 8; found 9.",
        ),
        (("'1'", "1"), "expected env_vars.VLLM_ROCM_USE_AITER: a string in quotes; found 1."),
        (("aim_id: org/m\n", ""), "expected 'aim_id' and 'model_id' outside of general/"),
        (("metadata:", "meta:"), "expected a key 'metadata'"),
    ],
)
def test_a_wrong_profile_is_told(write: Write, wrong: tuple[str, str], said: str) -> None:
    folder = write("org/m/a.yaml", profile().replace(*wrong))
    (problem,) = Catalogue([folder]).problems
    assert said in problem.found
