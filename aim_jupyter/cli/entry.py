"""What the container image starts: it prepares what the container was given, then runs one thing.

``lab`` (the default), ``hub``, ``launch MODEL``, ``serve MODEL``, ``cache …``, or any program. An
init (tini) stands above it and reaps; this process hands on the signal to end, and ends every
model server before it leaves itself, whoever launched it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from aim_jupyter.core import api, config, hints, serving
from aim_jupyter.core.doctor import container
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.core.records import Machine
from aim_jupyter.core.request import Request
from aim_jupyter.core.request.words import wishes
from aim_jupyter.core.sizes import GIB

USER = "aim-engine"
JUPYTER_PORT, SERVER_PORT = 8888, 8000
#: More models to have on disk before anything starts, by their names, with commas.
PREDOWNLOAD = "AIM_PREDOWNLOAD"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - a container's port is reached through its host

# A server in a container is there as long as the container is; its port is what was published.
_SERVING = Request(listen=_EVERYWHERE, port=SERVER_PORT, idle_s=None)


class Job(NamedTuple):
    """A program to run to its end.

    Attributes
    ----------
    ends_on : signal.Signals
        What makes it end in good order.
    """

    argv: list[str]
    ends_on: signal.Signals = signal.SIGTERM


def main(argv: Sequence[str] | None = None) -> int:
    """Run the image's command and return its exit code, 128 and more for a signal."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if os.getuid() == 0:
            leave_root(words)
        machine = api.machine()
        place = container.look(machine, os.environ)
        os.environ.update(place.variables)
        if words == ["health"]:
            return 0 if healthy() else 1
        tell(machine, place)
        container.prepare_cache()
        return _run_all(jobs(words, os.environ.get(PREDOWNLOAD, "")))
    except AimError as error:
        print("\n".join(error.lines), file=sys.stderr, flush=True)
        return 1


def leave_root(words: Sequence[str]) -> None:
    """Do what only root can, then become the image's user and begin again; it does not return.

    The devices' own groups are kept, whatever number they have on the host.

    Raises
    ------
    BadUsage
        If the image's user is not here.
    """
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        found = f"There is no user {USER} here: this is the image's entry point."
        raise BadUsage(found, "run aim-engine serve outside the image") from None
    try:
        container.prepare_cache((user.pw_uid, user.pw_gid))
    except AimError as error:
        # As that user it may still be read; what that means is told there.
        print("\n".join(error.lines), file=sys.stderr, flush=True)
    groups = {*os.getgrouplist(USER, user.pw_gid), *container.device_groups()}
    os.setgroups(sorted(groups))
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    environ = {**os.environ, "HOME": user.pw_dir, "USER": USER, "LOGNAME": USER}
    # A new program: what has changed its user in mid-life may not look at itself in /proc.
    os.execve(sys.executable, [sys.executable, "-m", "aim_jupyter.cli.entry", *words], environ)  # noqa: S606


def tell(machine: Machine, place: container.Place) -> None:
    """Say on standard error what is here, and what is wrong with the command that mends it."""
    cpu = machine.cpu
    gpus = _counted(len(machine.gpus), "AMD GPU")
    cores = "cores unknown" if cpu.cores is None else _counted(cpu.cores, "core")
    memory = f"{cpu.memory_bytes / GIB:.1f} GiB" if cpu.memory_bytes else "memory unknown"
    who = f"aim-engine {metadata.version('aim-jupyter')} as {config.user()} (uid {os.getuid()})"
    said = [f"{who}: {gpus}, {cores}, {memory}, models in {config.model_cache_dir()}"]
    for check in place.checks:
        if not check.good:
            said += [f"{check.name}: {check.found}", *filter(None, [hints.told(check.fix)])]
    print("\n".join(said), file=sys.stderr, flush=True)


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def jobs(words: Sequence[str], predownload: str = "") -> list[Job]:
    """Return what is to be run, one after the other, each only if the one before succeeded.

    Parameters
    ----------
    words : sequence of str
        The container's command.
    predownload : str
        Models to download first, with commas.

    Examples
    --------
    >>> [job.argv[2:] for job in jobs(["cache", "stats"], "demo")]
    [['aim_jupyter', 'cache', 'prefetch', 'demo'], ['aim_jupyter', 'cache', 'stats']]
    """
    models = [model.strip() for model in predownload.split(",") if model.strip()]
    first = [_ours("cache", "prefetch", *models)] if models else []
    name, *rest = words or ["lab"]
    return [*first, _KINDS[name](rest) if name in _KINDS else Job(list(words))]


def _ours(*words: str) -> Job:
    # The command answers Ctrl-C by ending what it has begun.
    return Job([sys.executable, "-m", "aim_jupyter", *words], signal.SIGINT)


def _lab(rest: list[str]) -> Job:
    return Job([sys.executable, "-m", "jupyterlab", *_jupyter(), "--no-browser", *rest])


def _hub(rest: list[str]) -> Job:
    return Job([sys.executable, "-m", "jupyterhub.singleuser", *_jupyter(), *rest])


def _jupyter() -> list[str]:
    return [f"--ip={_EVERYWHERE}", f"--port={JUPYTER_PORT}"]


def _serve(rest: list[str]) -> Job:
    given = {word.partition("=")[0] for word in rest}
    wished = (wish.words for wish in wishes(_SERVING))
    added = [word for option in wished if option[0] not in given for word in option]
    return _ours("serve", *rest, *added)


_KINDS: dict[str, Callable[[list[str]], Job]] = {
    "lab": _lab,
    "hub": _hub,
    # The container would end with a launch that returns at once.
    "launch": _serve,
    "serve": _serve,
    "cache": lambda rest: _ours("cache", *rest),
}


class _Runner:
    """Runs jobs, and hands on to the one that runs what asks this process to end."""

    def __init__(self) -> None:
        self.asked = False
        self._child: subprocess.Popen[bytes] | None = None
        self._job: Job | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)

    def run(self, job: Job) -> int:
        """Return the job's exit code."""
        try:
            self._job, self._child = job, subprocess.Popen(job.argv)
        except OSError as error:
            found = f"{job.argv[0]} can't be run: {error.strerror}."
            raise BadUsage(found, f"{', '.join(_KINDS)}, or a program of the image") from error
        if self.asked:  # between two jobs, or while this one was being started
            self._child.send_signal(job.ends_on)
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def _end(self, number: int, _: FrameType | None) -> None:
        again, self.asked = self.asked, True
        # A terminal gives its Ctrl-C to the child as well; and nobody is to be hurried twice.
        if number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return
        if self._child is not None and self._job is not None and not again:
            self._child.send_signal(self._job.ends_on)


def _run_all(wanted: Sequence[Job]) -> int:
    runner = _Runner()
    code = 0
    try:
        for job in wanted:
            code = runner.run(job)
            if code or runner.asked:
                break
    finally:
        end_servers()
    return code


def end_servers() -> None:
    """End all servers and warm hosts at the same time, and say which there were."""
    live = [folder for folder in serving.folders() if _live(folder)]
    if live:
        names = ", ".join(folder.name for folder in live)
        print(f"Stopping {names} …", file=sys.stderr, flush=True)
        with concurrent.futures.ThreadPoolExecutor(len(live)) as pool:
            for told in pool.map(_stopped, live):
                print(told, file=sys.stderr, flush=True)
    api.cool_down()


def _live(folder: serving.ServerFolder) -> bool:
    with contextlib.suppress(AimError):  # a damaged record: there is nothing to find its engine by
        return serving.current(folder).live
    return False


def _stopped(folder: serving.ServerFolder) -> str:
    try:
        record = serving.stop(folder)
    except AimError as error:
        return "\n".join(error.lines)
    return f"{record.name}: {record.state}"


def healthy() -> bool:
    """Whether Jupyter answers; where there is none, whether the servers do what they are to do.

    One that starts is well: its supervisor ends it, and so the container, where it fails.
    """
    ports = list(_jupyter_servers())
    if ports:
        return all(_answers(port, path) for port, path in ports)
    views = [view for view in api.servers() if view.record.live]
    return bool(views) and all(_well(view.record.name) for view in views)


def _well(name: str) -> bool:
    record = api.status(name).record
    at = record.address
    if record.state == "starting" or at is None or at.socket:
        return record.state in ("starting", "running")
    return _answers(at.port, "/health")


def _jupyter_servers() -> Iterator[tuple[int, str]]:
    """Yield port and address of what tells its state without a token, of each Jupyter server."""
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415 - only a check needs it

    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        told = json.loads(path.read_text())
        if Path(f"/proc/{told['pid']}").exists():
            yield told["port"], f"{told['base_url']}api"


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
