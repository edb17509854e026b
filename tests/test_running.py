"""What failed is run once more, alone; what passes then is told, and too much of it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import running

#: Fails the first time only.
SHAKY = """
from pathlib import Path
def test_{name}():
    print("run of {name}")
    seen = Path(__file__).with_name("{name}.seen")
    first = not seen.exists()
    seen.touch()
    assert not first, "it was first"
"""
GOOD, BAD = "def test_good(): pass\n", "def test_bad(): assert 1 == 2\n"


def ran(folder: Path, known: str = "") -> int:
    (folder / "known").write_text(known)
    return running.run(["-n2"], folder, folder / "known")


def test_what_passes_the_second_time_is_shaky_and_told_with_both_outputs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(SHAKY.format(name="a") + GOOD)
    assert ran(tmp_path) == 0
    first, _, told = capfd.readouterr().out.partition("== 1 failed: once more")
    assert "run of a" in first
    assert "AssertionError: it was first" in first
    assert "slowest 20 durations" in first
    assert "run of a" in told
    assert "test_it.py::test_a\n== mend them first" in told


def test_what_fails_twice_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SHAKY.format(name="a") + BAD)
    assert ran(tmp_path) == 1


def test_one_of_several_named_by_its_parameters_is_run_again(tmp_path: Path) -> None:
    text = SHAKY.format(name="a").replace("def test_a()", "def test_a(one)")
    head = "import pytest\n@pytest.mark.parametrize('one', ['x', 'y-[1]'])\n"
    (tmp_path / "test_it.py").write_text(text.replace("\ndef ", f"\n{head}def "))
    (tmp_path / "test_other.py").write_text(GOOD)
    (tmp_path / "known").touch()
    named = ["test_other.py", "test_it.py::test_a[x]", "test_it.py::test_a[y-[1]]"]
    assert running.run(["-n0"], tmp_path, tmp_path / "known", named) == 0


def test_what_was_shaky_in_an_earlier_landing_fails_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(SHAKY.format(name="a"))
    assert ran(tmp_path, "# seen\ntest_it.py::test_a  # a race\n") == 1
    assert "shaky in an earlier landing too" in capfd.readouterr().out


def test_more_than_three_shaky_ones_fail_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("".join(SHAKY.format(name=name) for name in "abcd"))
    assert ran(tmp_path) == 1


@pytest.mark.parametrize(("text", "code"), [(GOOD, 0), ("import nothing_of_the_kind\n", 2)])
def test_what_is_no_matter_of_luck_is_not_run_again(
    tmp_path: Path, text: str, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(text)
    assert running.run(["-n0"], tmp_path, tmp_path / "none") == code
    assert "once more" not in capfd.readouterr().out


def test_every_name_that_is_kept_says_a_test() -> None:
    for name in running.names(running.KNOWN):
        assert (running.ROOT / name.partition("::")[0]).is_file()
