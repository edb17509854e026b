"""A verdict for every architecture that the engine has a class for."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from aim_jupyter.core import engines
from aim_jupyter.core.checkpoint.architecture import architecture
from aim_jupyter.core.checkpoint.families import architectures
from aim_jupyter.core.checkpoint.registered import registry, standing

DRIVER = Path(__file__).parent / "drivers" / "registry.py"


def test_each_name_has_a_standing() -> None:
    names = registry().models | registry().drafters
    found = Counter(standing(name, architectures()) for name in names)
    assert found["counted"] > 60
    assert found["drafter"] > 50
    assert found["unknown"] == 0
    assert sum(found.values()) == len(names) > 350


def test_what_a_class_does_is_said_of_classes_that_there_are() -> None:
    does = registry().does
    assert set(does) == {"vision", "audio", "speech", "silent", "pools", "late"}
    assert all(names <= registry().models for names in does.values())
    assert does["silent"] <= does["speech"]


def test_the_reason_says_which() -> None:
    drafter = {"model_type": "eagle", "architectures": ["Eagle3LlamaForCausalLM"]}
    assert "is a drafter" in architecture(drafter).problem
    asked = {"model_type": "deepseek_v4", "architectures": ["DeepseekV4ForCausalLM"]}
    assert "--exact" in architecture(asked).problem
    assert architecture({"model_type": "x", "architectures": ["X"]}).problem.endswith("known here")


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_the_list_is_that_of_the_installed_engine() -> None:
    python = engines.choose(platform="cpu").python
    done = subprocess.run([python, str(DRIVER)], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    assert set(said["models"]) == registry().models
    assert set(said["drafters"]) == registry().drafters
    assert {word: set(names) for word, names in said["does"].items()} == registry().does
