"""Stand-ins for packages that only a GPU has."""

from __future__ import annotations

import importlib
import sys

import pytest

from aim_jupyter.core.adapters.vllm.oracle.absent import Finder, nothing


def test_whatever_is_asked_of_nothing_is_nothing() -> None:
    thing = nothing("thing")
    assert thing.inside.deeper.__name__ == "deeper"
    assert list(thing) == []
    assert issubclass(type("Own", (thing,), {}), thing)
    assert (thing | None) is thing
    with pytest.raises(AttributeError):
        _ = thing.__wrapped__


def test_as_a_decorator_it_leaves_what_it_decorates() -> None:
    def kernel() -> int:
        return 7

    assert nothing("jit")(kernel) is kernel
    assert isinstance(nothing("jit")(1, 2), type)


def test_a_package_that_is_not_there_can_be_imported_with_all_of_its_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder(["aim_absent"])])
    module = importlib.import_module("aim_absent.ops.triton")
    assert module.anything.at.all is not None
    assert module.__version__ == "9.9.9"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("aim_other")
    for name in [name for name in sys.modules if name.startswith("aim_absent")]:
        monkeypatch.delitem(sys.modules, name)
