"""What is not as it was, piece by piece."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.provenance import differences
from aim_jupyter.core.records.provenance import Difference, Served

ONE = Served(
    aim_jupyter="0.1.0",
    engine="vllm",
    engine_version="0.32.0",
    platform="rocm",
    model="org/name",
    packages={"torch": "2.13.0"},
    arguments=("enforce-eager", "max-model-len 1024"),
    devices=("MI300X gfx942", "MI300X gfx942"),
)


def test_the_same_differs_in_nothing() -> None:
    assert differences(ONE, replace(ONE)) == []


def test_each_thing_is_named_with_what_it_was() -> None:
    now = replace(
        ONE,
        packages={"torch": "2.14.0", "triton": "3"},
        arguments=("max-model-len 2048",),
        devices=("MI300X gfx942",),
        revision="abc",
    )
    found = {one.what: (one.then, one.now) for one in differences(ONE, now)}
    assert found == {
        "packages.torch": ("2.13.0", "2.14.0"),
        "packages.triton": ("", "3"),
        "arguments.max-model-len": ("1024", "2048"),
        "arguments.enforce-eager": ("enforce-eager", ""),
        "devices.1": ("MI300X gfx942", ""),
        "revision": ("", "abc"),
    }
    assert all(isinstance(one, Difference) for one in differences(ONE, now))
