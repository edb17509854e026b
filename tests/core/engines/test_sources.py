"""The list of sources is data: here is what must hold for whatever it says."""

import re
from pathlib import Path

from aim_jupyter.core.engines import sources
from aim_jupyter.core.engines.sources import Source

LOCKS = Path(__file__).parents[3] / "locks"


def every_source() -> list[Source]:
    return [source for recipe in sources.read().values() for source in recipe.sources]


def test_platforms_and_engines_have_sources_with_names_of_their_own() -> None:
    recipes = sources.read()
    assert set(recipes) == {"cpu", "rocm", "sglang"}
    names = [source.name for source in every_source()]
    assert len(names) == len(set(names))


def test_every_requirement_is_exact() -> None:
    """Except where its makers name no version: then it says that it is an experiment."""
    for source in every_source():
        for requirement in source.requirements:
            exact = re.search(r"==\d|@ https://", requirement)
            assert exact or "experimental" in source.text, requirement


def test_every_place_that_is_named_is_probed_first() -> None:
    for source in every_source():
        text = " ".join((*source.requirements, *source.arguments))
        hosts = set(re.findall(r"https://([^/\s]+)", text))
        assert hosts == set(re.findall(r"https://([^/\s]+)", " ".join(source.probes)))


def test_the_official_wheels_come_first_and_say_so() -> None:
    cpu = sources.read()["cpu"].sources
    official = ["official" in source.text for source in cpu]
    assert official == sorted(official, reverse=True)
    assert all("third party" in source.text for source in cpu if "official" not in source.text)


def test_what_developers_install_is_what_users_get_with_every_version_locked() -> None:
    own, shipped = sources.read(LOCKS / "engine.toml")["cpu"], sources.read()["cpu"]
    assert own.name == shipped.name
    (alike,) = (source for source in shipped.sources if source.name == "package-index")
    lines = (LOCKS / "engine-cpu.in").read_text().splitlines()
    assert tuple(line for line in lines if not line.startswith("#")) == alike.requirements
    locked = (LOCKS / "engine-cpu.txt").read_text()
    for requirement in alike.requirements:
        assert f"\n{requirement} \\\n    --hash=sha256:" in locked, "make lock"
    assert not any(f"\n{name}==" in locked for name in alike.unwanted)


def test_no_lock_names_where_it_came_from() -> None:
    for path in (*LOCKS.glob("*.txt"), LOCKS / "proxy/package-lock.json"):
        text = re.sub(r'"(url|funding)": "[^"]*"', "", path.read_text())
        assert "://" not in text, path
