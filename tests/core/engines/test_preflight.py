"""What a machine must have: pure checks on facts, and the facts read from captured trees."""

from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core.engines import preflight, sources
from aim_jupyter.core.engines.preflight import Host

CPU = sources.read()["cpu"]
ROCM = sources.read()["rocm"]

LAPTOP = Host(
    machine="x86_64",
    glibc="2.36",
    python=Path("/usr/bin/python3.12"),
    free_bytes=100_000_000_000,
    kfd=None,
    gfx=(),
)
MI300X = msgspec.structs.replace(LAPTOP, kfd=True, gfx=("gfx942",))


def test_a_laptop_will_do_for_the_cpu_and_a_gpu_node_for_both() -> None:
    assert preflight.lacking(CPU, LAPTOP) == []
    assert preflight.lacking(CPU, MI300X) == []
    assert preflight.lacking(ROCM, MI300X) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"python": None}, "Python 3.12 is not found"),
        ({"glibc": "2.34"}, "it needs glibc 2.35 or newer, here is 2.34"),
        ({"glibc": None}, "it needs glibc 2.35 or newer, here is another C library"),
        (
            {"kfd": None},
            "/dev/kfd is missing: no AMD GPU driver, or a container without --device /dev/kfd",
        ),
        (
            {"kfd": False},
            "/dev/kfd is closed to this user: join its group, usually render or video",
        ),
        (
            {"gfx": ("gfx906", "gfx1036")},
            f"its wheels are for {', '.join(ROCM.gfx)}; here is gfx906, gfx1036",
        ),
    ],
)
def test_each_thing_that_rocm_lacks_is_named(change: dict[str, object], message: str) -> None:
    assert preflight.lacking(ROCM, msgspec.structs.replace(MI300X, **change)) == [message]


def test_one_supported_gpu_beside_others_will_do() -> None:
    mixed = msgspec.structs.replace(MI300X, gfx=("gfx1036", "gfx950"))
    assert preflight.lacking(ROCM, mixed) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "it needs glibc 2.39 or newer, here is 2.36"),
        ({"glibc": "2.39"}, ""),
        ({"glibc": "2.100"}, ""),
        ({"machine": "riscv64"}, "it is built for x86_64, this machine is riscv64"),
        ({"free_bytes": 1_234_000_000}, "it takes 4 GB, 1.2 GB are free"),
    ],
)
def test_a_source_that_does_not_suit_says_why(change: dict[str, object], message: str) -> None:
    host = msgspec.structs.replace(LAPTOP, **change)
    assert preflight.against(CPU.sources[0], host) == message


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("90402", "gfx942"),
        ("90010", "gfx90a"),
        ("90500", "gfx950"),
        ("110501", "gfx1151"),
        ("120001", "gfx1201"),
    ],
)
def test_architectures_are_read_from_the_kernels_topology(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, name: str
) -> None:
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    for at, version in enumerate(("0", number, number)):  # the first node is the CPU
        (nodes / str(at)).mkdir(parents=True)
        (nodes / str(at) / "properties").write_text(f"simd_count 4\ngfx_target_version {version}\n")
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    assert preflight.look(CPU, tmp_path).gfx == (name,)
