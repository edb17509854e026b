"""The body of a launch card once the server runs: where it is, what it can take, how to talk."""

from __future__ import annotations

import re
import time

from aim_jupyter.core.records import Job, ServerView
from aim_jupyter.core.records.ability import Ability
from aim_jupyter.core.sizes import GIB
from aim_jupyter.render import html, words
from aim_jupyter.render.example import client_code
from aim_jupyter.render.facts import Fact, lines, rows
from aim_jupyter.render.html import Html, tag

# What a JupyterLab editor colours, and the variable that it takes for it.
# No colour for numbers: the dark theme's has a contrast of 4.3 on its own background.
_COLORS = (
    (re.compile(r'"(?:\\.|[^"\\])*"'), "var(--jp-mirror-editor-string-color, #ba2121)"),
    (re.compile(r"%\w+"), "var(--jp-mirror-editor-operator-color, #aa22ff)"),
)
_TOKEN = re.compile("|".join(f"({pattern.pattern})" for pattern, _ in _COLORS))


#: What is told with a yes or a no, since clients and agents fail without it.
_TOLD: dict[Ability, str] = {"tools": "tools", "json": "JSON", "thinking": "thinking"}
_OPEN = "open to the network: the key alone keeps others out, and nothing is encrypted"


def ending(view: ServerView) -> tuple[str, str]:
    """Return the right side of the head: the figure that matters, and what is said after it."""
    record = view.record
    first = record.facts.get("first_token_s")
    after = f" · first token after {words.milliseconds(first)}" if first is not None else ""
    if record.ready_at is None:
        return "", after.removeprefix(" · ")
    return f"ready in {words.duration(record.ready_at - record.created_at)}", after


def facts(view: ServerView, browser_path: str | None) -> list[Fact]:
    """Return what is known of the server: where it is, what it can take, when it stops."""
    place = view.record.endpoint
    found = [Fact(name="This notebook", said=f"`{place}`" if place else words.UNKNOWN)]
    if view.record.plan.listen not in ("loopback", "unix"):
        found.append(Fact(name="Listens", said=f"on `{view.record.plan.listen}`", notes=(_OPEN,)))
    if view.record.job is not None:
        found.append(_job(view, view.record.job))
    if browser_path:
        found.append(Fact(name="Your browser", said=f"`{browser_path}`"))
    if view.record.does:
        found.append(_does(view.record.does))
    found.append(Fact(name="Key", said="in the client · or `server.api_key`"))
    source = view.record.plan.source
    if source is not None and source.note:
        found.append(Fact(name="Weights", said=source.note, notes=(f"package {source.name}",)))
    named = {"Capacity": _capacity(view), "Memory": _memory(view), "Stops": _stops(view)}
    return found + [
        Fact(name=name, said=said[0], notes=tuple(said[1:])) for name, said in named.items() if said
    ]


def _does(does: tuple[Ability, ...]) -> Fact:
    """Return what it can be asked for; of one that writes, also what it can't."""
    said = ", ".join(each for each in does if each not in _TOLD)
    told = [f"{name} {'yes' if word in does else 'no'}" for word, name in _TOLD.items()]
    return Fact(name="Does", said=said, notes=(" · ".join(told),) if "completion" in does else ())


def _job(view: ServerView, job: Job) -> Fact:
    """Return in which job it runs, and what is left of its wall time."""
    where = f"job {job.id} at {job.site}" + (f" on {job.node}" if job.node else "")
    if job.ends_at is None or not view.record.live:
        return Fact(name="Job", said=where)
    ends = time.strftime("%H:%M", time.localtime(job.ends_at))
    left = words.duration(max(0.0, job.ends_at - (view.at or time.time())))
    return Fact(name="Job", said=where, notes=(f"{left} of wall time left, until {ends}",))


def _capacity(view: ServerView) -> list[str]:
    known = view.record.facts
    users, context, tokens = (known.get(key) for key in ("users", "context_tokens", "kv_tokens"))
    said = []
    if users is not None and context is not None:
        count = words.plural(int(users), "user")
        said.append(f"{count} at {words.number(context)} tokens at the same time")
    if tokens is not None:
        said.append(f"{words.number(tokens)} tokens of KV cache in all")
    return said


def _memory(view: ServerView) -> list[str]:
    known = view.record.facts
    weights, cache = known.get("weights_gib"), known.get("kv_gib")
    if weights is None and cache is None:
        return []
    said = [f"weights {_gib(weights)}, KV cache {_gib(cache)}"]
    guessed = [known.get("weights_predicted_gib"), known.get("kv_predicted_gib")]
    if None not in guessed:
        said.append(f"predicted {_gib(guessed[0], '')} and {_gib(guessed[1])}")
    return said


def _gib(value: float | None, unit: str = " GiB") -> str:
    return words.gib(None if value is None else value * GIB, unit)


def _stops(view: ServerView) -> list[str]:
    plan = view.record.plan
    idle = words.limit(plan.idle_s)
    said = "only when you stop it" if plan.idle_s is None else f"after {idle} without requests"
    if plan.lifetime_s is not None:
        said += f", at the latest {words.limit(plan.lifetime_s)} after its launch"
    if plan.restarts:
        said += f"; restarted up to {plan.restarts} times in a row if it ends by itself"
    outlives = "kernel" if plan.lives_with else "kernel and Jupyter"
    ends = ", ends with this Jupyter server" if plan.lives_with else ""
    return [said, f"outlives {outlives} restarts{ends}"]


def body(view: ServerView, browser_path: str | None) -> Html:
    """Return the facts on the left, and the cell to run on the right."""
    named = rows(facts(view, browser_path), width=90, gap=4)
    left = tag("div", named, style="flex:1 1 380px;min-width:0")
    box = _colored(client_code(view.record))
    right = tag("div", box, style="flex:0 1 362px;min-width:300px")
    both = tag("div", left, right, style="display:flex;flex-wrap:wrap;gap:12px 24px")
    return html.part(both)


def _colored(code: str) -> Html:
    pieces: list[str] = []
    at = 0
    for found in _TOKEN.finditer(code):
        color = _COLORS[(found.lastindex or 1) - 1][1]
        pieces += [code[at : found.start()], tag("span", found[0], style=f"color:{color}")]
        at = found.end()
    return html.code_box(html.join(*pieces, code[at:]))


def text(view: ServerView, browser_path: str | None) -> list[str]:
    """Return the same as text."""
    code = client_code(view.record).splitlines()
    return [*lines(facts(view, browser_path)), "", *(f"    {line}" for line in code)]
