"""The list of sources is data: here is what must hold for whatever it says."""

import re

from aim_jupyter.core.engines import sources
from aim_jupyter.core.engines.sources import Source


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
