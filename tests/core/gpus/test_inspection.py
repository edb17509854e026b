"""The second half of the doctor's table: masks, memory, modes, and tools that disagree."""

from __future__ import annotations

import pytest

from aim_jupyter.core.gpus import symptoms
from aim_jupyter.core.records import Check, Gpu, Machine
from tests.core.gpus.sights import bad, known, one, with_notes


def test_tools_that_hang_and_probes_that_fail_are_told() -> None:
    hung, refused = bad(
        known(),
        with_notes("amd-smi did not answer in 8 s: the driver may hang, see dmesg.", "Probe x …"),
    )
    assert "did not answer" in hung.found
    assert "dmesg" in hung.fix
    assert refused.name == "probes"


def test_stray_memory_is_told_with_what_to_ask_the_administrator() -> None:
    stray = one(state="unexplained", reason="46.2 GiB held by no visible process")
    (check,) = bad(known(foreign_pids=True), stray)
    assert "0000:0c:00.0: 46.2 GiB held by no visible process" in check.found
    assert "--init" in check.fix


def names(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if check.good}


def test_facts_that_are_no_fault_are_told_as_good() -> None:
    two = Machine(
        host="h",
        gpus=(
            Gpu(rocr_index=0, hip_index=0, pci_bdf="0000:63:00.0", integrated=True),
            Gpu(rocr_index=1, hip_index=1, pci_bdf="0000:03:00.0", model="MI300A", vram_bytes=1),
            Gpu(state="hidden", pci_bdf="0000:83:00.0"),
        ),
        notes=("0000:03:00.0 has vram_bytes 1 by rocm-smi, 2 by kfd: the latter is shown.",),
    )
    found = names(symptoms.judged(known(render_names=("renderD128", "renderD129")), two))
    assert {"order", "integrated", "shared memory", "hidden", "tools"} <= found
    assert "processes" in names(symptoms.judged(known(foreign_pids=True), one()))
    shared = known(lease_folder="/tmp/aim-gpu", lease_owner="bob")
    assert "leases" in names(symptoms.judged(shared, one()))
    spare = symptoms.judged(known(render_names=("renderD128", "renderD129")), one())
    assert "unconfigured render nodes" in names(spare)


@pytest.mark.parametrize(
    ("changes", "found", "fix"),
    [
        ({"environ": {"ROCR_VISIBLE_DEVICES": ""}}, "no GPU is visible", "unset ROCR_VISIBLE"),
        (
            {"environ": {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "1"}},
            "'1' is not among 0 to 0",
            "unset ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES",
        ),
        (
            {"environ": {"HIP_VISIBLE_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "1"}},
            "differ: vLLM does not start",
            "unset HIP_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES",
        ),
        (
            {
                "environ": {
                    "ROCR_VISIBLE_DEVICES": "0",
                    "HIP_VISIBLE_DEVICES": "0",
                    "RAY_JOB_ID": "1",
                }
            },
            "Ray set",
            "RAY_EXPERIMENTAL_NOSET_HIP_VISIBLE_DEVICES=1",
        ),
        (
            {"environ": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}},
            "10.3.0 makes programs see another GPU than gfx942",
            "unset HSA_OVERRIDE_GFX_VERSION",
        ),
    ],
)
def test_a_variable_that_misleads_is_named_with_what_unsets_it(
    changes: dict[str, object], found: str, fix: str
) -> None:
    (check,) = bad(known(**changes))
    assert found in check.found
    assert fix in check.fix


def test_a_gpu_that_no_table_has_is_told_with_how_to_add_it() -> None:
    (check,) = bad(known(), one(pci_device_id="0x9999", name="Radeon Next"))
    assert check.name == "unknown GPU"
    assert "Radeon Next" in check.found
    assert "AIM_DEVICES_PATH=" in check.fix
