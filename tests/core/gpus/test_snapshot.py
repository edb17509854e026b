"""The domain as others see it."""

from __future__ import annotations

from aim_jupyter.core import gpus


def test_the_public_names_are_these() -> None:
    assert set(gpus.__all__) == {
        "GROUP",
        "Cards",
        "Placement",
        "Sensors",
        "Sighting",
        "Step",
        "Use",
        "Visibility",
        "enrich",
        "findings",
        "from_file",
        "in_container",
        "launch_environment",
        "machine",
        "reserve",
        "unreleased",
        "verify_placement",
        "visibility",
    }
    assert all(hasattr(gpus, name) for name in gpus.__all__)
