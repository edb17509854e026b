"""Failures as OpenAI's clients read them; choosing itself is tried through the gateway's port."""

from __future__ import annotations

import json

import pytest
from tornado.web import HTTPError

from aim_jupyter.core.errors import AimError, BadUsage, CannotDo, ServerGone, UnknownName
from aim_jupyter.relay.chooser import failure


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UnknownName("running model", "a", ["b"], "%aim ps"), 404, "UnknownName"),
        (ServerGone("It is starting.", "%aim wait a"), 503, "ServerGone"),
        (CannotDo("It does embed, not chat."), 400, "CannotDo"),
        (BadUsage("The request names no model."), 400, "BadUsage"),
    ],
)
def test_what_was_to_be_expected_has_a_status_of_its_own(
    error: AimError, status: int, kind: str
) -> None:
    found, text = failure(error, 500)
    said = json.loads(text)["error"]
    assert (found, said["code"], said["type"]) == (status, status, kind)
    assert error.found in said["message"]


def test_a_defect_tells_nothing_of_itself() -> None:
    assert "secret" not in failure(ValueError("secret"), 500)[1].decode()
    assert "wants its key" in failure(HTTPError(401, "The gateway wants its key."), 401)[1].decode()
