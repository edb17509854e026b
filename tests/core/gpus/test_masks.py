"""What the visibility variables leave, by the rules of ROCr's and HIP's own sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import masks
from aim_jupyter.core.records import Gpu, Machine

from . import trees

UNIQUE = [f"{0x1000_0000_0000_0000 + index:016x}" for index in range(8)]


def machine(unique: list[str] = UNIQUE) -> Machine:
    return Machine(
        host="h",
        gpus=tuple(
            Gpu(rocr_index=index, pci_bdf=f"0000:{index:02x}:00.0", unique_id_hex=name)
            for index, name in enumerate(unique)
        ),
    )


def left(**environ: str) -> tuple[int, ...]:
    names = {f"{key}_VISIBLE_DEVICES": value for key, value in environ.items()}
    return masks.visibility(names, machine()).visible


ALL = tuple(range(8))


@pytest.mark.parametrize(
    ("environ", "visible"),
    [
        ({}, ALL),
        # ROCr: RvdFilter::BuildUsrDeviceList
        ({"ROCR": ""}, ()),
        ({"ROCR": "2,3"}, (2, 3)),
        ({"ROCR": "3,2"}, (3, 2)),
        ({"ROCR": " 3 , 2"}, (3, 2)),
        ({"ROCR": "0,"}, (0,)),
        ({"ROCR": "0,,1"}, ()),
        ({"ROCR": "0,9,1"}, (0,)),
        ({"ROCR": "0,-1,1"}, (0,)),
        ({"ROCR": "0,1,0,2"}, (0, 1)),
        ({"ROCR": "0x2,010,3"}, (2,)),  # 010 is eight to strtol, which is no device here
        ({"ROCR": "2a"}, ()),
        ({"ROCR": f"GPU-{UNIQUE[5]},0"}, (5, 0)),
        ({"ROCR": f"gpu-{UNIQUE[5].upper()}"}, (5,)),
        ({"ROCR": "GPU-1"}, ()),  # a prefix of all of them
        ({"ROCR": "GPU-"}, ()),  # too short
        ({"ROCR": "GPU-XX"}, ()),
        # HIP: Device::init in rocdevice.cpp
        ({"HIP": ""}, ALL),
        ({"HIP": "2,3"}, (2, 3)),
        ({"HIP": "3,3,2"}, (3, 2)),
        ({"HIP": " 3"}, ()),
        ({"HIP": "0,03,1"}, (0,)),
        ({"HIP": "-1"}, ()),
        ({"HIP": "0,8,1"}, (0,)),
        ({"HIP": "0,"}, (0,)),
        ({"HIP": ",0"}, ()),
        ({"HIP": f"GPU-{UNIQUE[6]}"}, (6,)),
        ({"CUDA": "4"}, (4,)),
        ({"CUDA": "4", "HIP": "5"}, (5,)),
        ({"CUDA": "4", "HIP": ""}, (4,)),
        # stacked: HIP counts within ROCr's list
        ({"ROCR": "2,3", "HIP": "2,3"}, ()),
        ({"ROCR": "2,3", "HIP": "1,0"}, (3, 2)),
        ({"ROCR": "6,7", "CUDA": "1"}, (7,)),
        ({"ROCR": "", "HIP": "0"}, ()),
    ],
)
def test_what_is_left(environ: dict[str, str], visible: tuple[int, ...]) -> None:
    assert left(**environ) == visible


def test_partitions_cannot_be_named_by_the_id_that_they_share() -> None:
    shared = machine([UNIQUE[0]] * 4)
    seen = masks.visibility({masks.ROCR: f"GPU-{UNIQUE[0]}"}, shared)
    assert seen.visible == ()
    assert "partitions" in seen.warnings[0]
    by_number = masks.visibility({masks.ROCR: "1,2"}, shared)
    assert by_number.visible == (1, 2)


def test_the_steps_tell_what_each_variable_did() -> None:
    seen = gpus.visibility({masks.ROCR: "2,3", masks.HIP: "1,5"}, machine())
    assert [step.variable for step in seen.steps] == ["", masks.ROCR, masks.HIP]
    assert [step.left for step in seen.steps][1:] == [
        ("0000:02:00.0", "0000:03:00.0"),
        ("0000:03:00.0",),
    ]
    assert seen.steps[1].effect == "ROCr keeps 2 of 8 and numbers them from 0."
    assert "'5' is not among 0 to 1" in seen.steps[2].effect


def test_variables_that_disagree_or_do_nothing_are_warned_of() -> None:
    seen = gpus.visibility({masks.HIP: "0", masks.CUDA: "1", masks.ORDINAL: "2"}, machine())
    assert any("differ" in warning and "vLLM" in warning for warning in seen.warnings)
    assert any("OpenCL" in warning for warning in seen.warnings)
    assert seen.visible == (0,)


@pytest.mark.parametrize(
    ("inherited", "want"),
    [
        ({}, {masks.HIP: "4,5"}),
        ({masks.ROCR: "0,1,2,3,4,5"}, {masks.HIP: "4,5"}),
        ({masks.HIP: "7"}, {masks.HIP: "4,5"}),
        (
            {masks.CUDA: "0", masks.ORDINAL: "0"},
            {masks.HIP: "4,5", masks.CUDA: None, masks.ORDINAL: None},
        ),
    ],
)
def test_an_engine_is_given_one_variable(
    inherited: dict[str, str], want: dict[str, str | None]
) -> None:
    assert gpus.launch_environment((4, 5), inherited) == want


def test_an_engine_on_the_cpu_sees_no_gpu() -> None:
    env = gpus.launch_environment((), {masks.ROCR: "2"})
    assert env == {masks.HIP: "-1"}
    assert masks.visibility({masks.ROCR: "2", masks.HIP: "-1"}, machine()).visible == ()


@pytest.mark.parametrize(
    ("environ", "hidden"),
    [
        ({masks.ROCR: "6,2,3"}, {0, 1, 4, 5, 7}),
        ({masks.HIP: "6,2"}, {0, 1, 3, 4, 5, 7}),
        ({masks.ROCR: "6,2,3", masks.CUDA: "1,0"}, {0, 1, 3, 4, 5, 7}),
    ],
)
def test_launching_on_what_the_machine_lists_hits_that_very_gpu(
    environ: dict[str, str],
    hidden: set[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(8), tmp_path)))
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = gpus.machine()
    assert {gpu.rocr_index for gpu in found.gpus if gpu.state == "hidden"} == hidden
    assert all(gpu.hip_index is None and gpu.reason for gpu in found.gpus if gpu.state == "hidden")
    for gpu in found.gpus:
        if gpu.hip_index is not None:
            child = dict(environ)
            for name, new in gpus.launch_environment((gpu.hip_index,), environ).items():
                child.pop(name, None)
                child |= {} if new is None else {name: new}
            assert gpus.visibility(child, found).visible == (gpu.rocr_index,)
