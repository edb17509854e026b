"""An evaluation from end to end: the harness asks a server, and its scores are kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from aim_jupyter.core import api, config, events, files
from aim_jupyter.core.errors import BadUsage, EvalFailed, UnknownName
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.work import runs
from aim_jupyter.work.connect.environment import environment
from aim_jupyter.work.evaluate import environment as tools
from aim_jupyter.work.evaluate.own import NAME, OwnTask
from aim_jupyter.work.evaluate.samples import FILE as SAMPLES
from aim_jupyter.work.map.endpoints import Managed
from aim_jupyter.work.records import EvalRun, Exam, Score, digest
from aim_jupyter.work.runs import RunFolder

_SCRIPT = Path(__file__).with_name("harness.py")
#: Requests at once where the server does not say, and at most: the rest only waits there.
_FEW, _MANY = 8, 64
#: A model can chat that has a template in one of these.
_TEMPLATES = ("chat_template.jinja", "chat_template.json")


class Evaluation:
    """Tasks for one server.

    Parameters
    ----------
    tasks : sequence of str
        Names of the harness's tasks.
    server : str, optional
        Its name, else the one launched last; it must run.
    own : OwnTask, optional
        A table as one more task.
    limit : int, optional
        Samples of each task at most.
    shots : int, optional
        Examples before each question; else as the task says.

    Raises
    ------
    AimError
        If the server does not run, or the harness is not installed.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        server: str | None = None,
        *,
        own: OwnTask | None = None,
        limit: int | None = None,
        shots: int | None = None,
    ) -> None:
        names = (*tasks, *([NAME] if own else ()))
        if not names:
            raise BadUsage("There is no task.", "%aim eval arc_easy --limit 20")
        if limit is not None and limit < 1:
            raise BadUsage("A limit is at least one sample.", "%aim help eval")
        self._python = tools.python()
        self.server, self._own = api.server(server), own
        self._record = _running(api.reachable(self.server))
        self._exam = Exam(
            tasks=tuple(dict.fromkeys(names)),
            limit=limit,
            shots=shots,
            own=own.about if own else None,
            harness=f"lm-eval {tools.VERSION}",
        )
        served = Managed(self.server).served()
        run = EvalRun(
            id="", served=served, servers=(self.server.name,), exam=self._exam, rows=len(names)
        )
        self.folder = runs.folder_for(digest(self._exam, served), run)

    def do(self) -> RunFolder:
        """Ask what was not asked yet, and return the run.

        Raises
        ------
        UnknownName
            If the harness has no such task.
        EvalFailed
            If it broke off; what was answered is kept, and not asked again.
        KeyboardInterrupt
            The same.
        """
        with self.folder.held() as held:
            if not held:
                raise BadUsage(f"Run {self.folder.id} is running.", "%aim runs")
            self.folder.go()
            run = replace(
                self.folder.read_as(EvalRun), started_at=time.time(), scores=(), done=0, reason=""
            )
            run = replace(run, sittings=run.sittings + 1, rows=len(self._exam.tasks))
            self.folder.write(run)
            (self.folder.path / SAMPLES).unlink(missing_ok=True)
            events.report(f"Run {run.id}: {self._exam.harness} asks {self.server.name}.")
            began = time.monotonic()
            try:
                for part in self._parts():
                    run = self._keep(run, part)
            finally:
                took = run.took_s + time.monotonic() - began
                self.folder.write(replace(run, took_s=took))
        return self.folder

    # -- parts -----------------------------------------------------------------------------------

    def _parts(self) -> Iterator[dict[str, Any]]:
        """Yield what the harness says, part by part; it ends with this process's interest in it."""
        place = files.private_folder(self.folder.path / "harness")
        if self._own is not None:
            self._own.write(place)
        log = self.folder.path / "log"
        with log.open("wb") as errors:
            child = subprocess.Popen(
                [self._python, "-P", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=place,
                env=self._environment(),
                start_new_session=True,
            )
            try:
                assert child.stdin is not None  # noqa: S101 - as asked for
                assert child.stdout is not None  # noqa: S101 - as asked for
                child.stdin.write(json.dumps(self._wanted(place)).encode())
                child.stdin.close()
                for line in child.stdout:
                    yield json.loads(line)
                code = child.wait()
            finally:
                _end(child)
        if code:
            last = " ".join(files.tail(log, 1)) or "it said nothing"
            found = f"lm-evaluation-harness ended with {code}: {last[:300]}"
            raise EvalFailed(found, f"look into {log}")

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"} if config.offline() else {}
        quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1"}
        return {**inherited, **quiet, **offline, **environment(self.server)}

    def _wanted(self, place: Path) -> dict[str, Any]:
        plan, facts = self._record.plan, self._record.facts
        at_once = int(facts.get("users") or _FEW)
        return {
            "tasks": self._exam.tasks,
            "folder": str(place),
            "model": plan.model,
            "base_url": self._record.base_url,
            "tokenizer": plan.model_path,
            "at_once": min(max(at_once, 1), _MANY),
            "context": int(facts.get("context_tokens") or 2048),
            "limit": self._exam.limit,
            "shots": self._exam.shots,
            "chat": _chats(Path(plan.model_path)),
        }

    def _keep(self, run: EvalRun, part: dict[str, Any]) -> EvalRun:
        if "unknown" in part:
            name = part["unknown"][0]
            raise UnknownName("task", name, part["known"], "%aim help eval")
        scores = msgspec.convert(part["scores"], resolved(tuple[Score, ...]))
        with (self.folder.path / SAMPLES).open("ab") as file:
            for sample in part["samples"]:
                file.write(msgspec.json.encode(sample) + b"\n")
        for score in scores:
            events.report(told(score))
        tasks = {score.task for score in (*run.scores, *scores)} & set(run.exam.tasks)
        done = replace(run, scores=(*run.scores, *scores), done=len(tasks))
        self.folder.write(done)
        return done


def told(score: Score) -> str:
    """Return a score in a line."""
    error = "" if score.error is None else f" ± {score.error:.4f}"
    return f"{score.task}, {score.metric}: {score.score:.4f}{error}, {score.samples} samples"


def _running(record: ServerRecord) -> ServerRecord:
    if record.state != "running":
        raise BadUsage(f"{record.name} is {record.state}.", f"%aim wait {record.name}")
    return record


def _chats(folder: Path) -> bool:
    """Whether a model has a template for a chat."""
    if any((folder / name).exists() for name in _TEMPLATES):
        return True
    try:
        return b'"chat_template"' in (folder / "tokenizer_config.json").read_bytes()
    except OSError:
        return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the harness and what it has started, if it has not ended."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(10.0)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()
