"""Why an engine ended: of a server, or of a log from anywhere."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import adapters, config, files, serving
from aim_jupyter.core.api.finding import server
from aim_jupyter.core.errors import BadUsage, ServerGone, StateUnusable
from aim_jupyter.core.records import Crash, Plan
from aim_jupyter.core.records.explained import Explanation
from aim_jupyter.core.serving.crash import crash
from aim_jupyter.core.serving.crash.redaction import redacted
from aim_jupyter.core.serving.watch import endpoint

#: Bytes of a log's beginning in which it says what was started, and of its end in a report.
_HEAD_BYTES, _TAIL_BYTES = 64 << 10, 256 << 10
#: Letters of the log that a model is shown, and seconds and tokens that its answer may take.
_SHOWN, _ANSWER_S, _ANSWER_TOKENS = 6000, 120.0, 400
_MODEL = re.compile(r"'model(?:_tag)?': '([^']+)'|model_path='([^']+)'|--model(?:-path)?[ =](\S+)")
_VERSION = re.compile(r"(?:version|engine \(v|SGLang) ?(\d+\.\d+[\w.]*)")
_QUESTION = (
    "An inference server ended. Say in three sentences what went wrong most likely and what to "
    "try. If the log does not say, say so. The log:\n\n"
)


def why(name: str | None = None) -> Explanation:
    """Return why a server ended, read from its log anew.

    Raises
    ------
    BadUsage
        If it has not failed.
    UnknownName, ServerGone
        If there is no such server.
    """
    folder = server(name)
    record = serving.current(folder)
    if record.live:
        raise BadUsage(f"Server {record.name!r} is {record.state}: it has not ended.", "%aim ps")
    if record.state == "stopped":
        raise BadUsage(
            f"Server {record.name!r} did not fail: {record.reason or 'it was stopped'}.", "%aim ps"
        )
    known = record.crash or Crash(what=record.reason or "It ended; nothing says why.")
    found = crash.explain(
        record.plan, folder.log, record.exit_code, known.cleaned_up, port=record.port
    )
    # What the supervisor has seen itself, or this tool gave up, no log tells.
    told = found if found.known or not known.known else known
    return _explained(told, record.plan, folder.log)


def why_log(
    log: Path,
    *,
    engine: str | None = None,
    version: str | None = None,
    exit_code: int | None = None,
) -> Explanation:
    """Return why the engine ended that wrote a log, wherever that was.

    Parameters
    ----------
    engine, version
        Of the engine; None: as the log says.
    exit_code : int or None
        Negative for a signal, or as a shell says it: 137.

    Raises
    ------
    BadUsage
        If the file can't be read, or the engine is none that is known.
    """
    try:
        with log.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise BadUsage(f"{log} can't be read: {error.strerror}.", "check the path") from error
    engine = engine or ("sglang" if re.search(r"(?i)sglang", head) else "vllm")
    if not adapters.is_known(engine):
        names = " or ".join(sorted(one.name for one in adapters.known()))
        raise BadUsage(f"There is no engine {engine!r}.", f"--engine {names}")
    said, model = _VERSION.search(head), _MODEL.search(head)
    plan = Plan(
        server="log", model=next(filter(None, model.groups()), "MODEL") if model else "MODEL",
        recipe_id="", origin="", engine=engine, engine_name="", platform="rocm",
        engine_version=version or (said[1] if said else ""), model_path="", argv=(), env={},
        gpu_model="the GPU",
    )  # fmt: skip
    code = exit_code - 256 if exit_code is not None and exit_code > _SIGNALS else exit_code
    if code is not None and _SHELL < code <= _SIGNALS:
        code = _SHELL - code
    return _explained(crash.explain(plan, log, code, ""), plan, log)


#: A shell says 128 + N of a signal N.
_SHELL, _SIGNALS = 128, 192


def _explained(found: Crash, plan: Plan, log: Path) -> Explanation:
    return Explanation(
        what=found.what,
        cause=found.cause,
        line=found.line,
        line_number=found.line_number,
        log_lines=found.log_lines,
        process=found.process,
        stage=found.stage,
        attempt=found.try_line,
        because=found.try_reason,
        ruled_out=found.ruled_out,
        known=found.known,
        evidence=found.excerpt,
        engine=f"{adapters.title(plan.engine)} {plan.engine_version}".strip(),
        log=str(log),
    )


def report(found: Explanation) -> Path:
    """Write one file for a maintainer, redacted, and return where it is.

    Raises
    ------
    StateUnusable
        If it can't be written.
    """
    head = [
        f"engine: {found.engine}", f"what: {found.what}", f"cause: {found.cause}",
        f"line: {found.line}", f"line number: {found.line_number or 'unknown'}",
        f"process: {found.process}", f"stage: {found.stage or 'unknown'}", f"try: {found.attempt}",
        *(f"ruled out: {each}" for each in found.ruled_out),
    ]  # fmt: skip
    text = redacted("\n".join([*head, "", "-- the log's end --", "", _tail(Path(found.log))]))
    file = config.state_dir() / "reports" / f"why-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(file, text.encode())
    except OSError as error:
        raise StateUnusable(f"{file} can't be written: {error.strerror}.", "%aim doctor") from error
    return file


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read().strip(b"\0").decode("utf-8", "replace")
    except OSError:
        return ""


def ask(found: Explanation, name: str | None = None) -> Explanation:
    """Return the explanation with what a running model of the user suggests: a guess.

    Raises
    ------
    ServerGone
        If no server of the user runs, or it does not answer.
    """
    folder = next(
        (one for one in serving.folders() if one.read().state == "running")
        if name is None
        else (one for one in (serving.find(name),)),
        None,
    )
    if folder is None:
        raise ServerGone("No server runs that could be asked.", "%aim launch")
    record = folder.read()
    shown = redacted("\n".join(found.evidence) or _tail(Path(found.log)))[-_SHOWN:]
    body = {
        "model": record.plan.model,
        "messages": [{"role": "user", "content": _QUESTION + shown}],
        "max_tokens": _ANSWER_TOKENS,
        "temperature": 0,
    }
    reply = endpoint.post(
        serving.reach(folder).address,
        "/v1/chat/completions",
        body,
        folder.key(),
        timeout_s=_ANSWER_S,
    )
    try:
        guess = str(json.loads(reply.body)["choices"][0]["message"]["content"]).strip()
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ServerGone(
            f"Server {record.name!r} gave no answer (status {reply.status}).",
            f"%aim status {record.name}",
        ) from error
    return replace(found, guess=guess)
