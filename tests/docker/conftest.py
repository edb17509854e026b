"""What the tests of images share: one store, and in it the base, made once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conftest import use_installed_engine
from tests.docker import images
from tests.docker.images import Store


@pytest.fixture(scope="session")
def base() -> Iterator[tuple[Store, float]]:
    """Make the base, and return the seconds that this took."""
    if why_not := images.lacking():
        pytest.skip(why_not)
    with pytest.MonkeyPatch.context() as patch:
        use_installed_engine(patch)
        with images.store() as store:
            began = time.monotonic()
            store.make_base()
            yield store, time.monotonic() - began
