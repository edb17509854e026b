"""What an interpreter that has vLLM says of it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from aim_jupyter.core.adapters.vllm import describe


@pytest.mark.parametrize(
    ("is_", "name"), [("rocm", "rocm"), ("cpu", "cpu"), ("cuda", "cuda"), ("nothing", None)]
)
def test_the_platform_is_what_vllm_says(is_: str, name: str | None) -> None:
    assert describe.platform_name(SimpleNamespace(**{f"is_{is_}": lambda: True})) == name


def test_rocm_comes_before_cuda_as_which_it_also_goes() -> None:
    both = SimpleNamespace(is_rocm=lambda: True, is_cuda=lambda: True)
    assert describe.platform_name(both) == "rocm"


def test_the_first_layout_that_is_there_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    new, old = ModuleType("aim_new"), ModuleType("aim_old")
    vars(old)["make"] = "old"
    monkeypatch.setitem(sys.modules, "aim_new", new)
    monkeypatch.setitem(sys.modules, "aim_old", old)
    assert describe.first_with(("aim_none", "aim_new", "aim_old"), "make") == "old"
    vars(new)["make"] = "new"
    assert describe.first_with(("aim_new", "aim_old"), "make") == "new"
    with pytest.raises(ImportError, match="none of aim_new has other"):
        describe.first_with(("aim_new",), "other")


def test_what_a_layout_itself_lacks_is_no_older_layout(
    monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    folder = isolated / "site"  # type: ignore[operator]
    folder.mkdir()
    (folder / "aim_broken.py").write_text("import no_such_thing_at_all")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(ModuleNotFoundError, match="no_such_thing_at_all"):
        describe.first_with(("aim_broken", "json"), "dumps")


def test_without_metadata_the_older_module_is_the_command() -> None:
    found = describe.start_command()
    assert found["command"][0] == "-m"
    assert found["model_option"] == (None if "serve" in found["command"] else "--model")
