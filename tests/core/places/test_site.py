"""The file of a site: read over its template, bounded, and told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import site as sites


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "sites"
    place.mkdir()
    monkeypatch.setenv("AIM_SITES_PATH", str(place))
    return place


def test_a_file_stands_over_its_template(folder: Path) -> None:
    (folder / "lumi.toml").write_text('like = "lumi-g"\naccount = "project_1"\n')
    read = sites.read("lumi", sites.written()["lumi"])
    assert (read.name, read.account, read.gpu, read.gcd) == ("lumi", "project_1", "mi250x", True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partition = 3", "partition"),
        ('acount = "x"', "acount"),
        ('partition = "a; rm -r ~"', "partition"),
        ('setup = ["a\\nb"]', "setup"),
        ('like = "lumi-h"', "lumi-h"),
        ("partition =", "can't be read"),
        ("# " + "x" * sites.MOST_BYTES, "can't be read"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, text: str, told: str) -> None:
    file = folder / "mine.toml"
    file.write_text(text)
    with pytest.raises(SiteError, match=told) as error:
        sites.read("mine", file)
    assert str(file) in " ".join(error.value.lines)


def test_every_template_is_one_and_says_that_nobody_tried_it() -> None:
    assert set(sites.templates()) == {"lumi-g", "mi300a", "mi300x"}
    for name, path in sites.templates().items():
        read = sites.read(name, path)
        assert read.source.startswith("http")
        assert read.verified == ""
        assert read.gpu


def test_the_schema_names_every_field() -> None:
    known = sites.schema()["$defs"]["Site"]["properties"]
    assert {"partition", "account", "env", "wrap"} <= known.keys()


def test_variables_of_a_path_are_those_of_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT", "p1")
    assert sites.expanded("/scratch/$PROJECT/x") == "/scratch/p1/x"
