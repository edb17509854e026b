"""What an engine must do to be served by this tool, checked on servers of it that really run.

For whoever writes an adapter (``docs/engines.md``), inside this package or outside::

    from aim_jupyter.core.request import Request
    from aim_jupyter.testing import conformance

    def test_acme():
        assert conformance.check(Request(model="demo", engine="acme")) == {}

Two servers are started: the first answers, is measured and drained, the second is killed.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import openai
from msgspec.structs import replace

from aim_jupyter.core import adapters, api, metrics, serving
from aim_jupyter.core.metrics import Scrape
from aim_jupyter.core.records import STAGES, ServerRecord
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import engine
from aim_jupyter.core.serving.state.process import members
from aim_jupyter.core.serving.watch import endpoint

#: Asked for beside those that the engine describes itself: usual ones, and ways around a guard.
ROUTES = (
    *("/", "/v1/models", "/v1/chat/completions", "/v1/completions", "/metrics", "/docs"),
    *("/openapi.json", "/generate", "/invocations", "/tokenize", "/server_info", "/no/such/route"),
    *("//v1/models", "/v1//models", "/./metrics", "/health/../v1/models", "/%6detrics"),
)
#: Figures that every engine has after a request.
FIGURES = ("running", "waiting", "prompt_tokens", "generation_tokens", "finished")
#: Words of the request that is still answered while its server is stopped, and tokens of its reply.
LONG, TOKENS = 160, 200
_LIMIT_S = 60.0
#: Seconds that this reply may take: more than it needs on a machine that has much else to do.
_DRAIN_S = 300.0
_REFUSED = (401, 403)
_METHODS = ("GET", "POST")

Step = Callable[[ServerFolder], None]


class Nonconformity(AssertionError):
    """What an engine does otherwise than it should, in a sentence."""


def check(
    request: Request, *, routes: Iterable[str] = (), start_s: float = 120.0
) -> dict[str, str]:
    """Start servers and try everything; return what failed and why, by the name of the check.

    Parameters
    ----------
    request : Request
        Launches the engine, of a model that is small and on disk.
    routes : iterable of str
        Further ones that must want the key.
    start_s : float
        Seconds that a start may take.

    Raises
    ------
    AimError
        If a server can't be started at all.
    """
    failed: dict[str, str] = {}
    folder = _launched(request, start_s)
    steps: list[Step] = [stages, chat, stream, figures, lambda one: guard(one, routes), drain]
    for name, step in zip(
        ("stages", "chat", "stream", "figures", "guard", "drain"), steps, strict=True
    ):
        _try(failed, name, step, folder)
    serving.stop(folder, drain_s=0)
    folder = _launched(request, start_s)
    _try(failed, "kill", kill, folder)
    serving.stop(folder, drain_s=0)
    return failed


def stages(folder: ServerFolder) -> None:
    """See that a start goes through stages, in order, each with its time."""
    record = folder.read()
    seen = [stage.stage for stage in record.stages]
    _expect(record.state == "running", f"it is {record.state}, not running")
    _expect(seen == sorted(seen, key=STAGES.index), f"its stages are out of order: {seen}")
    _expect({"boot", "load", "ready"} <= set(seen), f"it went through {seen} alone")
    _expect(all(stage.took_s is not None for stage in record.stages), "a stage has no end")
    _expect(any(stage.detail for stage in record.stages), "no stage has a detail")


def chat(folder: ServerFolder) -> None:
    """See that a chat is answered under the model's own name, with its tokens counted."""
    with _client(folder) as client:
        reply = client.chat.completions.create(
            model=folder.read().plan.model, messages=_messages("How do I free a GPU?")
        )
    _expect(bool(reply.choices[0].message.content), "the reply is empty")
    _expect(reply.choices[0].finish_reason in ("stop", "length"), "the reply has no end")
    counted = reply.usage is not None and reply.usage.completion_tokens > 0
    _expect(counted, "the tokens of the reply are not counted")


def stream(folder: ServerFolder) -> None:
    """See that a streamed chat comes in pieces, and says why it ended."""
    pieces = list(_stream(folder, "Why is the sky blue, and why is it red in the evening?"))
    _expect(len([text for text, _ in pieces if text]) > 1, f"the reply came as {len(pieces)} piece")
    _expect(pieces[-1][1] in ("stop", "length"), f"the reply ended with {pieces[-1][1]!r}")


def figures(folder: ServerFolder) -> None:
    """See that ``/metrics`` tells what it did, under the names that all engines share."""
    before = _scrape(folder)
    chat(folder)
    end = time.monotonic() + _LIMIT_S
    while not _grown(before, after := _scrape(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    missing = [name for name in FIGURES if name not in after.values]
    _expect(not missing, f"it has no figure for {', '.join(missing)}")
    for name in ("prompt_tokens", "generation_tokens", "finished"):
        _expect(after.values[name] > before.values.get(name, 0), f"{name} did not grow")
    _expect("ttft" in after.histograms, "it does not say how long first tokens take")
    _expect(after.histograms["ttft"].count > 0, "it has counted no first token")
    _until(lambda: serving.view(folder).sample is not None, "its supervisor has no sample")


def guard(folder: ServerFolder, routes: Iterable[str] = ()) -> None:
    """See that every route wants the key but those that the adapter leaves open."""
    record = folder.read()
    opened = adapters.get(record.plan.engine).key.open
    asked = [*dict.fromkeys((*ROUTES, *_described(folder), *routes))]
    _expect(record.url is not None, "it has no address")
    at = (record.url or "").removesuffix("/v1")
    calls = [(key, path, method) for key in ("", "wrong") for path in asked for method in _METHODS]
    with httpx.Client(timeout=_LIMIT_S) as client:
        for key, path, method in calls:
            status = _status(client, method, at, path, key)
            refused = path in opened or status in _REFUSED
            said = f"with the key {key!r}" if key else "without a key"
            _expect(refused, f"{method} {path} answers {status} {said}")
        for path in opened:
            status = _status(client, "GET", at, path, "")
            _expect(status not in _REFUSED, f"{path} is not open")
        status = _status(client, "GET", at, "/v1/models", folder.key())
        _expect(status == httpx.codes.OK, f"/v1/models answers {status} with the key")


def drain(folder: ServerFolder) -> None:
    """See that a stop lets a running request finish and leaves nothing of the engine."""
    ended: list[ServerRecord] = []
    stop = threading.Thread(target=lambda: ended.append(serving.stop(folder, drain_s=_DRAIN_S)))
    after, reason = 0, None
    for text, ending in _stream(folder, "again " * LONG, TOKENS):
        if stop.ident is None:
            stop.start()
        # Only what comes while the stop is under way says anything about it.
        after += bool(text) and folder.read().state == "stopping"
        reason = ending or reason
    stop.join(_LIMIT_S + _DRAIN_S)
    _expect(bool(ended), "it did not stop")
    _expect(after > 1, "the stop came too late to see a drain: make its replies slower")
    _expect(reason in ("stop", "length"), "the stop cut the reply off")
    _gone(ended[0], "stopped")


def kill(folder: ServerFolder) -> None:
    """See that the end of a killed engine is explained, and nothing of it is left."""
    record = folder.read()
    found = engine.find(folder.path, record.engine)
    first = found.first if found else None
    if first is None:
        raise Nonconformity("it has no first process")
    os.kill(first.pid, signal.SIGKILL)
    _until(lambda: not serving.current(folder).live, "its end is not noticed")
    record = folder.read()
    crash = record.crash
    if crash is None:
        raise Nonconformity(f"there is no crash report; it is {record.state}: {record.reason}")
    _expect(record.exit_code == -signal.SIGKILL, f"its exit code is {record.exit_code}")
    _expect(crash.what == "The engine was killed.", f"the report says: {crash.what}")
    clean = crash.cleaned_up == "no engine process left"
    _expect(clean, f"the report says of the clean-up: {crash.cleaned_up}")
    _gone(record, "failed")


def _launched(request: Request, start_s: float) -> ServerFolder:
    folder = api.launch(replace(request, new=True))
    for _ in api.wait(folder.name, limit_s=start_s):
        pass
    return folder


def _try(failed: dict[str, str], name: str, step: Step, folder: ServerFolder) -> None:
    try:
        step(folder)
    except (Nonconformity, openai.OpenAIError, httpx.HTTPError) as error:
        failed[name] = f"{type(error).__name__}: {error}{_besides(error, folder)}"


def _besides(error: Exception, folder: ServerFolder) -> str:
    """Return what else is known: which connection error, and whether the engine has ended."""
    record = folder.read()
    ended = f"it is {record.state}: {record.reason}" if record.state != "running" else ""
    known = [repr(error.__cause__) if error.__cause__ else "", ended]
    return f" ({'; '.join(filter(None, known))})" if any(known) else ""


def _expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition is what it takes
    if not is_so:
        raise Nonconformity(otherwise)


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _LIMIT_S
    while not is_so():
        _expect(time.monotonic() < end, otherwise)
        time.sleep(0.05)


def _gone(record: ServerRecord, state: str) -> None:
    _expect(record.state == state, f"it is {record.state}, not {state}: {record.reason}")
    left = members(record.engine) if record.engine else []
    _expect(not left, f"processes {left} of it are left")


def _client(folder: ServerFolder) -> openai.OpenAI:
    return openai.OpenAI(base_url=folder.read().url, api_key=folder.key(), max_retries=0)


def _messages(text: str) -> Any:
    return [{"role": "user", "content": text}]


def _stream(
    folder: ServerFolder, text: str, tokens: int | None = None
) -> Iterator[tuple[str, str | None]]:
    """Yield the pieces of a reply, each with why the reply ended, None before that."""
    # Without `ignore_eos`, which the engines know that have a model, a reply may be short.
    more: dict[str, Any] = {"max_tokens": tokens, "extra_body": {"ignore_eos": True}}
    with _client(folder) as client:
        events = client.chat.completions.create(
            model=folder.read().plan.model,
            messages=_messages(text),
            stream=True,
            **(more if tokens else {}),
        )
        for event in events:
            for choice in event.choices:
                yield choice.delta.content or "", choice.finish_reason


def _scrape(folder: ServerFolder) -> Scrape:
    record = folder.read()
    names = adapters.get(record.plan.engine).metrics
    return metrics.read(endpoint.exposition(folder, record), time.time(), names)


def _grown(before: Scrape, after: Scrape) -> bool:
    done = after.values.get("finished", 0.0) > before.values.get("finished", 0.0)
    return done and not after.busy


def _described(folder: ServerFolder) -> list[str]:
    """Return the routes of the engine's own description, where it has one."""
    reply = endpoint.get(folder.read().address, "/openapi.json", folder.key(), timeout_s=20.0)
    if reply.status != httpx.codes.OK:
        return []
    described = httpx.Response(reply.status, content=reply.body).json()
    return [path.replace("{", "").replace("}", "") for path in described.get("paths", {})]


def _status(client: httpx.Client, method: str, at: str, path: str, key: str) -> int:
    """Return the status of a request whose path is sent as it is written here."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = httpx.URL(at).copy_with(raw_path=path.encode())
    return client.request(method, url, headers=headers).status_code
