"""What the REST takes beside a request: queries, with strict types and bounds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ModelsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of ``models``: pieces of a name, and what they are judged for."""

    q: Annotated[str, Meta(max_length=1024)] = ""
    users: str = ""
    context: str = ""
    gpus: str = ""


class StopQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a stop: `now` cuts running requests off, `forget` drops an ended server."""

    now: bool = False
    forget: bool = False


class LogsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of ``logs``: how many lines of its end."""

    lines: Annotated[int, Meta(ge=1, le=10_000)] = 200
