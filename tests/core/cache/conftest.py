"""A Hub of our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub import Hub, running_hub


@pytest.fixture
def hub(isolated: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A stand-in Hub that children and this process ask instead of the real one."""
    from huggingface_hub import constants  # noqa: PLC0415 - it reads the variables when imported

    with running_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            made.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield made
