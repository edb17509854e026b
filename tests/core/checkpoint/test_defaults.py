"""What the classes of the engine fill in, against the installed engine."""

import json
import subprocess
from pathlib import Path

import pytest

from aim_jupyter.core import engines
from aim_jupyter.core.checkpoint.architecture import architecture
from aim_jupyter.core.checkpoint.defaults import defaults, filled

DRIVER = Path(__file__).parent / "drivers" / "defaults.py"


def test_a_default_counts_where_no_other_name_says_it() -> None:
    assert filled("mixtral", {})["num_local_experts"] == 8
    assert "num_local_experts" not in filled("mixtral", {"num_experts": 4})
    assert filled("nothing", {"a": 1}) == {"a": 1}


def test_a_config_of_gemma_3_leaves_most_to_its_class() -> None:
    text = {"model_type": "gemma3_text", "hidden_size": 5376, "num_hidden_layers": 62}
    found = architecture({"model_type": "gemma3", "text_config": text})
    assert (found.vocabulary, found.context) == (262208, 131072)


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_the_table_is_that_of_the_installed_classes() -> None:
    keys = sorted({key for values in defaults().values() for key in values})
    done = subprocess.run(
        [engines.choose(platform="cpu").python, str(DRIVER)],
        input=json.dumps({"types": sorted(defaults()), "keys": keys}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == defaults()
