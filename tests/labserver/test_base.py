"""What all handlers share: how a failure is told, and where work is done."""

from __future__ import annotations

import asyncio
import contextvars
import http
import threading

import pytest
from tornado.web import HTTPError

from aim_jupyter.core import errors
from aim_jupyter.core.errors import AimError, BadUsage, NotOwner, ServerGone
from aim_jupyter.labserver import base


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadUsage("x", "y"), 400),
        (errors.UnknownName("server", "a", ["b"]), 404),
        (NotOwner("x", "y"), 403),
        (ServerGone("x", "y"), 410),
        (errors.StateUnusable("x", "y"), 507),
    ],
)
def test_each_failure_has_its_status(error: AimError, status: int) -> None:
    assert base.status_of(error) == status


def test_every_kind_of_failure_has_one() -> None:
    def below(kind: type[AimError]) -> list[type[AimError]]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    for kind in below(AimError):
        assert any(each in base.STATUS for each in kind.__mro__)


def test_what_was_expected_is_told_in_its_words_and_a_defect_in_none_of_its_own() -> None:
    assert base.told(BadUsage("two\n lines", "do this"), 400) == (
        "BadUsage",
        "two lines",
        "do this",
    )
    name, found, hint = base.told(ValueError("a secret"), 500)
    assert name == "InternalServerError"
    assert "secret" not in found + hint
    assert base.told(HTTPError(404), 404) == ("NotFound", "Not Found.", "")
    assert base.told(HTTPError(403, "not you"), 403)[1] == "not you"
    assert base.told(None, http.HTTPStatus.FORBIDDEN)[0] == "Forbidden"


def test_work_is_done_in_a_thread_of_ours_with_what_its_caller_has_set() -> None:
    word: contextvars.ContextVar[str] = contextvars.ContextVar("word")

    async def main() -> tuple[str, str]:
        word.set("told")
        return await base.work(lambda: (threading.current_thread().name, word.get()))

    name, said = asyncio.run(main())
    assert name.startswith("aim")
    assert said == "told"
