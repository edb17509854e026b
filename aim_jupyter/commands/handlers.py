"""From parsed arguments to a call of the core, where a verb takes more than one line for that."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import EvictionRule

if TYPE_CHECKING:
    from aim_jupyter.core.planning import Request


def request(given: Namespace) -> Request:
    """Return what a launch was asked for; AMD's ``AIM_*`` variables stand behind the options."""
    asked = _request(
        model=given.model or "",
        recipe=given.recipe,
        engine=given.engine,
        precision=given.precision,
        metric=given.metric,
        gpus=given.gpus,
        users=given.users,
        context=given.context,
        name=given.name,
        port=given.port,
        listen=given.listen,
        idle_s=given.idle,
        lifetime_s=given.lifetime,
        restarts=given.restart,
        with_jupyter=given.with_jupyter,
        options={**given.engine_options, **dict(map(_pair, given.set or ()))},
        unset=tuple(given.unset or ()),
        env={name: str(value) for name, value in map(_pair, given.env or ())},
        start=given.start,
        force=given.force,
    )
    return api.with_variables(asked)


def _request(**wishes: Any) -> Request:
    from aim_jupyter.core.planning import Request  # noqa: PLC0415 - most verbs go without

    return Request(**wishes)


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise BadUsage(f"{text!r} is no NAME=VALUE.", "write it as in --set max-model-len=8192")
    return name, value


def launch(given: Namespace) -> Any:
    """Launch a server."""
    return api.launch(request(given), new=given.new)


def warm(given: Namespace) -> Any:
    """Start a warm host, or end all of them; the hosts that are there then."""
    if given.off:
        api.cool_down()
        return []
    return api.warm_up(idle_s=given.idle)


def plan(given: Namespace) -> Any:
    """Return a plan as plain data, or the answers to a batch of questions."""
    if given.batch:
        return api.plans_for(_questions(given.batch))
    wanted = request(given)
    if not (given.machine or given.policy or given.recipes):
        return msgspec.to_builtins(api.plan(wanted))
    question = {
        "model": wanted.model,
        "machine": given.machine,
        "precision": wanted.precision,
        "metric": wanted.metric,
        "engine": wanted.engine,
        "most_gpus": wanted.most_gpus,
        "policy": given.policy or "default",
        "fallback": given.fallback,
        "recipes": tuple(given.recipes or ()),
        "recipe": wanted.recipe,
        "gpus": given.gpus,
        "users": given.users,
        "context": given.context,
        "set": wanted.options,
        "unset": wanted.unset,
        "env": wanted.env,
    }
    return api.plan_for({name: value for name, value in question.items() if value is not None})


def check_recipe(given: Namespace) -> list[str]:
    """Return what a recipe file holds, in two lines."""
    model = api.check_recipe(given.file)
    ids = ", ".join(recipe.id for recipe in model.recipes) or "none: they are derived by rule"
    return [f"{given.file} is a good recipe file for {model.name}.", f"Recipes: {ids}"]


#: Options of `fit` that are no part of the question.
_NOT_ASKED = ("engine_options", "batch", "history", "body")


def fit(given: Namespace) -> Any:
    """Return a verdict, the past starts, or the answers to a batch of questions."""
    if given.history:
        return api.starts()
    if given.batch:
        return api.fits(_lines_of(given.batch))
    asked = {name: value for name, value in vars(given).items() if name not in _NOT_ASKED}
    return api.fit({name: value for name, value in asked.items() if value is not None})


def _questions(source: str) -> Iterator[dict[str, Any]]:
    """Yield the questions of a file of JSON lines."""
    for number, line in enumerate(_lines_of(source), start=1):
        if line.strip():
            yield _question(line, number)


def _lines_of(source: str) -> list[str]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{source} can't be read: {error}.", "name a file of JSON lines") from error
    return text.splitlines()


def _question(line: str, number: int) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line.encode(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadUsage(f"Line {number} is no JSON object: {error}.", "one object a line") from error


#: Seconds that a plot shows without `--history`.
_PLOTTED_S = 600.0


def metrics(given: Namespace) -> Any:
    """Return figures of now, what the engines export, or the past; to be served, nothing yet."""
    if given.serve_metrics:
        return None
    if given.raw:
        return api.exported(given.server)
    if given.plot:
        return api.plotted(given.server, given.history or _PLOTTED_S)
    if given.history and given.every:
        return api.history(given.server, given.history, every_s=given.every)
    if given.history:
        return api.history_columns(given.server, given.history)
    return api.metrics(given.server, window_s=given.window)


def events(given: Namespace) -> Any:
    """Return what happened, or follow it."""
    return api.follow_events(given.server) if given.follow else api.events(given.server)


def logs(given: Namespace) -> Any:
    """Return the end of a log, or follow it."""
    read = api.follow_logs if given.follow else api.logs
    return read(given.server, lines=given.lines)


def evict(given: Namespace) -> Any:
    """Return what would go, or what has gone."""
    planned = api.evictions(
        EvictionRule(
            models=tuple(given.models),
            older_than_s=given.older_than,
            keep_bytes=given.keep,
            free_bytes=given.free,
        )
    )
    return api.evict(planned) if given.yes else planned


def stop(given: Namespace) -> Any:
    """Stop a server."""
    return api.stop(given.server, drain_s=0.0 if given.now else given.drain)


def forget(given: Namespace) -> list[str]:
    """Take ended servers off the lists."""
    return [f"{api.forget(name).record.name} is forgotten." for name in given.servers]


def share(given: Namespace) -> list[str]:
    """Share a server, take a share back, or list the shares; one line for each server."""
    server, user = _shared_with(given.words, everyone=given.everyone)
    if given.revoke:
        api.revoke(server, user or api.EVERYONE)
    elif user is not None:
        api.share(server, user)
    return [_shares_line(name, shares) for name, shares in api.shares_of(server).items()] or [
        "No server is running."
    ]


def _shared_with(words: list[str], *, everyone: bool) -> tuple[str | None, str | None]:
    """Return server and user of ``[server] [user]``; one word alone is a server if there is one."""
    most = 1 if everyone else 2
    if len(words) > most:
        raise BadUsage(f"{words[most]!r} is one word too many.", "%aim share SERVER USER, or --all")
    if everyone:
        return (words[0] if words else None), api.EVERYONE
    if len(words) == 1 and words[0] not in api.shares_of():
        return None, words[0]
    return (words[0] if words else None), (words[1] if len(words) > 1 else None)


def _shares_line(server: str, shares: list[api.Share]) -> str:
    said = [
        ("all users of this node" if share.user == api.EVERYONE else share.user)
        + (" (attached)" if share.attached else "")
        for share in shares
    ]
    return f"{server}: {', '.join(said)}" if said else f"{server}: shared with nobody"


def panel(given: Namespace) -> Request:
    """Return what a panel shows first; the model may be left open."""
    return _request(model=given.model or "", users=given.users, context=given.context)
