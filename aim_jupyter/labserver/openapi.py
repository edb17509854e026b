"""The REST described for machines: OpenAPI 3.1, made from the types that the handlers use."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any, NamedTuple

import msgspec

from aim_jupyter.core import api
from aim_jupyter.core.records.explained import Explanation
from aim_jupyter.core.request.record import OPTIONS, Request
from aim_jupyter.labserver import answers, bodies
from aim_jupyter.tables import columns, types
from aim_jupyter.tables.columns import Verb

_REF = "#/components/schemas/{name}"
_JSON_TYPE = {"string": "string", "Int64": "integer", "Float64": "number", "boolean": "boolean"}


class Operation(NamedTuple):
    """One verb of one path: what it takes and gives.

    Attributes
    ----------
    answer : type, str or None
        A type, or the name of one of the schemas that are made here.
    """

    path: str
    method: str
    summary: str
    answer: type | str | None
    status: int = 200
    query: type | None = None
    body: type | None = None


OPERATIONS = (
    Operation("status", "get", "all that a sidebar shows", answers.StatusAnswer),
    Operation(
        "models",
        "get",
        "models that can be launched",
        answers.ModelsAnswer,
        query=bodies.ModelsQuery,
    ),
    Operation("recipes", "get", "recipes with verdicts", "Recipes", query=Request),
    Operation("plan", "post", "what would start", answers.PlanAnswer, body=Request),
    Operation("servers", "get", "all servers", "Servers"),
    Operation("servers", "post", "launch a server", "PsRow", status=201, body=Request),
    Operation("queue", "get", "who waits for GPUs, in turn", "Queue"),
    Operation("servers/{name}", "get", "one server", "Server"),
    Operation(
        "servers/{name}",
        "delete",
        "begin to stop it, or drop an ended one",
        "PsRow",
        202,
        query=bodies.StopQuery,
    ),
    Operation("servers/{name}/logs", "get", "the end of its log", "Logs", query=bodies.LogsQuery),
    Operation("servers/{name}/why", "get", "why it ended", Explanation),
    Operation("servers/{name}/shares", "get", "with whom it is shared", "Shares"),
    Operation("servers/{name}/shares/{user}", "put", "share it; * is all users", "Shares"),
    Operation("servers/{name}/shares/{user}", "delete", "take a share back", "Shares"),
    Operation("servers/{name}/v1/{path}", "get", "the server's OpenAI interface", None),
    Operation("servers/{name}/v1/{path}", "post", "the server's OpenAI interface", None),
    Operation("v1/{path}", "get", "the OpenAI interface of all servers", None),
    Operation("v1/{path}", "post", "the OpenAI interface of all servers", None),
    Operation("openapi.json", "get", "this document", None),
)


@functools.cache
def document() -> dict[str, Any]:
    """Return the whole description."""
    types = {kind for one in OPERATIONS for kind in (one.query, one.body, one.answer)}
    known = [*(kind for kind in types if isinstance(kind, type)), api.Share]
    _, schemas = msgspec.json.schema_components(known, ref_template=_REF)
    schemas |= {
        f"{verb.capitalize()}Row": _row(verb) for verb in ("gpus", "recipes", "ps", "queue")
    }
    schemas |= _lists()
    for option in OPTIONS:
        schemas[Request.__name__]["properties"][option.field]["description"] = option.help
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(f"/aim/{one.path}", {})[one.method] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "aim_jupyter", "version": metadata.version("aim-jupyter")},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"}
            },
        },
        "security": [{"token": []}],
    }


def _id(method: str, path: str) -> str:
    return f"{method} {path}"


def _links(name: str) -> dict[str, Any]:
    """Return where to go on from an answer that names a server."""
    named = [one for one in OPERATIONS if one.path.startswith("servers/{name}")]
    return {
        "links": {
            _id(one.method, one.path): {
                "operationId": _id(one.method, one.path),
                "parameters": {"name": name},
            }
            for one in named
            if "{user}" not in one.path and "{path}" not in one.path
        }
    }


#: What can be done with the server of an answer.
_LINKS = {
    ("post", "servers"): _links("$response.body#/server"),
    ("get", "servers"): _links("$response.body#/servers/0/server"),
    ("get", "servers/{name}"): _links("$request.path.name"),
}


def _operation(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    links = _LINKS.get((one.method, one.path), {})
    described: dict[str, Any] = {
        "summary": one.summary,
        "operationId": _id(one.method, one.path),
        "parameters": [*_of_path(one.path), *_of_query(one.query, schemas)],
        "responses": {
            str(one.status): {"description": one.summary, **_content(one.answer), **links},
            "4XX": {"description": "what was found, and what to do", **_content("Failure")},
        },
    }
    if one.body is not None:
        described["requestBody"] = {"required": True, **_content(one.body)}
    return described


def _of_path(path: str) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    text = {"type": "string"}
    return [{"name": name, "in": "path", "required": True, "schema": text} for name in names]


def _of_query(query: type | None, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    fields = schemas[query.__name__]["properties"] if query else {}
    # What can be said several times has no form in a query.
    several = {one.field for one in OPTIONS if one.kind.gather} if query is Request else set()
    return [
        {"name": name, "in": "query", "schema": _in_a_query(schema)}
        for name, schema in fields.items()
        if name not in several
    ]


def _in_a_query(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a query takes for a field: of several numbers one word, as on a line."""
    parts = schema.get("anyOf", [schema])
    if not any(part.get("type") == "array" for part in parts):
        return schema
    help_ = {name: text for name, text in schema.items() if name == "description"}
    return {"type": "string", "pattern": r"^[0-9]{1,4}(,[0-9]{1,4}){0,63}$", **help_}


def _content(answer: type | str | None) -> dict[str, Any]:
    if answer is None:
        return {}
    name = answer if isinstance(answer, str) else answer.__name__
    return {"content": {"application/json": {"schema": _ref(name)}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def _row(verb: Verb) -> dict[str, Any]:
    """Return the schema of a table's row: its columns and no others."""
    index = columns.INDEX[verb]
    names = (*((index,) if index else ()), *columns.COLUMNS[verb])
    kinds = {name: _JSON_TYPE.get(types.dtype(name, verb), "string") for name in names}
    properties = {name: {"type": [kind, "null"]} for name, kind in kinds.items()}
    return {"type": "object", "properties": properties, "required": list(names)}


def _lists() -> dict[str, Any]:
    lists = {
        "Recipes": ("rows", _ref("RecipesRow")),
        "Servers": ("servers", _ref("Server")),
        "Queue": ("rows", _ref("QueueRow")),
        "Logs": ("lines", {"type": "string"}),
        "Shares": ("shares", _ref("Share")),
    }
    made: dict[str, Any] = {
        name: _object({key: {"type": "array", "items": items}})
        for name, (key, items) in lists.items()
    }
    more: dict[str, Any] = {name: {} for name in answers.BESIDE_THE_ROW}
    made["Server"] = {"allOf": [_ref("PsRow"), _object(more)]}
    made["Failure"] = _object({name: {"type": "string"} for name in ("error", "found", "to_do")})
    return made


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}
