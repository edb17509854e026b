"""What one rank would hold, on torch's device without memory."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from aim_jupyter.core import engines
from aim_jupyter.core.adapters.vllm import exact

PROGRAM = """
import json, sys, types
sys.path.append({here!r})
import torch
from oracle import building
with building.META, building.OnMeta(), torch.no_grad():
    tied = torch.nn.Linear(4, 8, bias=False)
    model = torch.nn.Sequential(tied, torch.nn.Linear(8, 2))
    model[1].own = [torch.empty(3)]
    twin = torch.nn.Sequential(tied)
    moved = torch.ones(2, device="cuda:0")
    said = [moved.device.type, int(moved.sum()), bool(moved.any()), moved.tolist()]
print(json.dumps([building.size(model), building.size(model, twin), said]))
"""


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_each_storage_is_counted_once_and_values_are_answered_without_any() -> None:
    environment = next((each for each in engines.find() if each.engine == "vllm"), None)
    if environment is None:
        pytest.skip("no vLLM is installed")
    program = PROGRAM.format(here=str(Path(exact.__file__).parent))
    done = subprocess.run(
        [environment.python, "-c", program], capture_output=True, text=True, check=True
    )
    alone, both, said = json.loads(done.stdout.splitlines()[-1])
    assert alone == both == 4 * (4 * 8 + 8 * 2 + 2 + 3)
    assert said == ["meta", 1, False, [1, 1]]
