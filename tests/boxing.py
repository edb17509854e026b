"""What `boxes` stands for docker with; its first argument is where it keeps what it knows."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

PLACE, WORDS = Path(sys.argv[1]), sys.argv[2:]
BOXES = PLACE / "boxes"
IMAGES: dict[str, str] = json.loads((PLACE / "images.json").read_text())


def refuse(code: int, text: str) -> NoReturn:
    """End as docker does that refuses."""
    sys.stderr.write(f"{text}\n")
    sys.exit(code)


def values(option: str, words: list[str]) -> list[str]:
    """Return what follows each `option`."""
    return [word for at, word in enumerate(words) if at and words[at - 1] == option]


def known(name: str) -> dict[str, Any]:
    """Return what is known of a container."""
    if not (BOXES / name).exists():
        refuse(1, f"Error: No such object: {name}")
    return dict(json.loads((BOXES / name).read_text()))


def inspect_image() -> None:
    """Print an image's id."""
    name = WORDS[-1]
    if name not in IMAGES:
        refuse(1, f"Error response from daemon: no such image: {name}: No such image: {name}")
    sys.stdout.write(f"sha256:{IMAGES[name]}\n")


def run() -> None:
    """Run what stands behind the image, with the paths of its mounts turned back."""
    at = next(at for at, word in enumerate(WORDS) if word in IMAGES.values())
    options, argv = WORDS[:at], WORDS[at + 1 :]
    with (PLACE / "runs.jsonl").open("a") as told:
        told.write(json.dumps(WORDS) + "\n")
    for mount in values("--mount", options):
        fields = dict(part.partition("=")[::2] for part in mount.split(","))
        argv = [word.replace(fields["target"], fields["source"]) for word in argv]
    (name,) = values("--name", options)
    labels = dict(each.split("=", 1) for each in values("--label", options))
    # What docker's daemon has: it outlives the client, and ends all with the first process.
    shim = subprocess.Popen(
        [sys.executable, "-IS", __file__, str(PLACE), "shim", name, json.dumps(labels), *argv],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    threading.Thread(target=pump, args=(shim,), daemon=True).start()
    code = shim.wait()
    sys.stdout.flush()
    os._exit(code)


def shim() -> None:
    """Run the first process of a container, and end all that is left with it."""
    name, labels, *argv = WORDS[1:]
    env = {"PATH": f"{PLACE}/inside:/usr/bin:/bin", "HOME": "/"}
    child = subprocess.Popen(["python3", *argv], env=env)
    os.close(0)
    record = json.dumps({"pid": child.pid, "labels": json.loads(labels)})
    (BOXES / name).write_text(record)
    code = child.wait()
    while left := others():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if not (PLACE / "stubborn").exists():
        (BOXES / name).unlink(missing_ok=True)
    sys.exit(code if code >= 0 else 128 - code)


def others() -> list[int]:
    """Return the other living processes of this session (``proc(5)``: state, session)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if fields[3] == str(os.getpid()) and fields[0] not in "ZX":
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def pump(child: subprocess.Popen[bytes]) -> None:
    """Hand on standard input, and its end."""
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        while data := os.read(0, 4096):
            child.stdin.write(data)
            child.stdin.flush()
        child.stdin.close()


def remove() -> None:
    """End a container and forget it."""
    box = known(WORDS[-1])
    if (PLACE / "stubborn").exists():
        refuse(1, "Error response from daemon: cannot remove container: tried to kill container")
    with contextlib.suppress(ProcessLookupError):
        os.kill(box["pid"], signal.SIGKILL)
    (BOXES / WORDS[-1]).unlink(missing_ok=True)


def ps() -> None:
    """Print the names of the containers with a label."""
    (wanted,) = values("--filter", WORDS)
    name, _, value = wanted.removeprefix("label=").partition("=")
    for path in sorted(BOXES.iterdir()):
        if known(path.name)["labels"].get(name) == value:
            sys.stdout.write(f"{path.name}\n")


def inspect() -> None:
    """Print the pid of a container, or its label with the folder."""
    box = known(WORDS[-1])
    (asked,) = values("--format", WORDS)
    sys.stdout.write(f"{box['pid'] if 'Pid' in asked else box['labels']['aim_jupyter.folder']}\n")


def main() -> None:
    """Do as docker does."""
    verbs = {
        "run": run,
        "shim": shim,
        "rm": remove,
        "ps": ps,
        "inspect": inspect,
        "image": inspect_image,
    }
    if WORDS[0] == "info":
        sys.stdout.write((PLACE / "security.json").read_text())
    elif WORDS[0] in verbs:
        verbs[WORDS[0]]()
    else:
        refuse(125, f"docker: '{WORDS[0]}' is not a docker command.")


main()
