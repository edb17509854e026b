"""A map as a job for a cluster: the same prompt, schema and engine settings for Ray Data LLM."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import msgspec

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Plan
from aim_jupyter.work.map import endpoints
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.records import MapRun, Question

#: The version that was tried: it runs beside vLLM 0.32, although ``ray[llm]`` pins another one.
RAY = "2.60.0"
#: Options of a server that an engine without one does not know.
_OF_SERVERS = frozenset(
    {
        *("host", "port", "uds", "served-model-name", "middleware", "shutdown-timeout", "api-key"),
        *("disable-access-log-for-endpoints", "model", "scheduling-policy", "tool-call-parser"),
        *("enable-auto-tool-choice", "chat-template", "chat-template-content-format", "root-path"),
    }
)
#: An engine on the CPU uses all cores; what it reserves leaves one of two for those that read.
_CPU = {"CPU": 0.5}
_SIZE = re.compile(r"(\d+)([kmgKMG])")
#: As vLLM reads a number: capital letters are powers of two.
_UNITS = {
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "K": 1 << 10,
    "M": 1 << 20,
    "G": 1 << 30,
}


def job(run: MapRun) -> str:
    """Return a program that does a run on a cluster, with the settings of its server.

    Raises
    ------
    UnknownName
        If nothing is known of that server any more.
    BadUsage
        If something of the run can't go along.
    """
    return ray_job(run, serving.current(api.server(run.servers[0])).plan)


def ray_job(run: MapRun, plan: Plan) -> str:
    """Return a program that does a run on a cluster.

    Parameters
    ----------
    run : MapRun
    plan : Plan
        Of the server that it was asked at.

    Raises
    ------
    BadUsage
        If something of it can't go along.
    """
    question = run.question
    schema = Schema(list(question.choices) or question.schema)
    sampling = {"max_tokens": 16, **question.sampling}
    if question.choices:
        sampling["structured_outputs"] = {"choice": list(question.choices)}
    elif question.schema is not None:
        sampling["structured_outputs"] = {"json": question.schema}
    job = {
        "model": plan.model_path or plan.model,
        "engine": engine_settings(plan.argv),
        "env": dict(plan.env),
        "placement": {} if plan.gpus else {"placement_group_config": {"bundles": [_CPU]}},
        "messages": _messages(question),
        "sampling": sampling,
        "into": run.into,
        "choices": list(question.choices),
        "schema": question.schema,
        "fields": schema.fields,
    }
    text = resources.files("aim_jupyter.work.map").joinpath("ray_job.txt").read_text()
    # Inside a raw string of three quotes: JSON writes none of its own that way.
    written = msgspec.json.format(msgspec.json.encode(job), indent=2).decode()
    said = {"@RUN@": run.id, "@RAY@": RAY, "@JOB@": written.replace('"""', '""\\u0022')}
    for word, value in said.items():
        text = text.replace(word, value)
    return text


def engine_settings(argv: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a command line as arguments of an engine without a server.

    Examples
    --------
    >>> engine_settings(("vllm", "--dtype", "float32", "--no-async-scheduling", "--port=80"))
    {'dtype': 'float32', 'async_scheduling': False}
    """
    found: dict[str, Any] = {}
    for name, value in endpoints.options(argv).items():
        if name in _OF_SERVERS:
            continue
        bare = name.removeprefix("no-") if not value else name
        found[bare.replace("-", "_")] = _value(value) if value else bare == name
    return found


def _value(word: str) -> Any:
    size = _SIZE.fullmatch(word)
    if size:
        return int(size[1]) * _UNITS[size[2]]
    try:
        return msgspec.json.decode(word)
    except msgspec.DecodeError:
        return word


def _messages(question: Question) -> list[dict[str, Any]]:
    asked = (question.route, question.samples, question.images)
    if asked != ("chat", 1, ()) or question.form == "function":
        raise BadUsage(
            "Only a prompt that is a template of text can go along, asked once a row.",
            'aim.map(df, "Is it kind? {text}")',
        )
    if question.form == "messages":
        found: list[dict[str, Any]] = msgspec.json.decode(question.prompt)
        return found
    return [{"role": "user", "content": question.prompt}]
