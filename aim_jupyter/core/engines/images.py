"""Container images as engine environments: named ``container:IMAGE``, asked once each.

An image is looked up by docker, else by podman, and never pulled: it has tens of gigabytes. What
its engine says is kept by the image's id, so that another one under the same name is asked anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aim_jupyter.core import adapters, config, events, files
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.engines import probe, probe_cache, probe_script, runtimes
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.errors import AimError, BadUsage, NoEngine, StateUnusable
from aim_jupyter.core.records import EngineEnvironment, Image
from aim_jupyter.core.records.kinds import resolved

PREFIX = "container:"
NEEDED = "an image with an engine beside its python3, such as vllm/vllm-openai-rocm"
#: Where inside lies what we bring.
PLACE = "/opt/aim"
_SCRIPT = Path(probe_script.__file__)
_KNOWN = msgspec.json.Decoder(resolved(dict[str, Image]))


def is_image(name: str | None) -> bool:
    """Whether the name of an environment is that of an image."""
    return name is not None and name.startswith(PREFIX)


def describe(name: str, limit_s: float = runtimes.LIMIT_S) -> EngineEnvironment:
    """Return an image with what its engine answered; it is asked where nobody has yet.

    Parameters
    ----------
    name : str
        Such as ``container:vllm/vllm-openai-rocm:latest``.
    limit_s : float
        As for `find`.

    Raises
    ------
    BadUsage
        If no image is named.
    NoEngine
        If there is no such image, or nothing that runs it, or it can't be asked.
    """
    if name == PREFIX:
        raise BadUsage(
            f"{PREFIX} is followed by no image.", f"{PREFIX}vllm/vllm-openai-rocm:latest"
        )
    image = find(name.removeprefix(PREFIX), limit_s)
    environment = _environment(image, ask(image))
    _remember(image)
    return environment


def known() -> list[EngineEnvironment]:
    """Return the images that were asked before, by name; one that is gone says so."""
    return [_described(image) for _, image in sorted(_read().items())]


def find(name: str, limit_s: float = runtimes.LIMIT_S) -> Image:
    """Return the image `name` as docker has it, else as podman has.

    Parameters
    ----------
    limit_s : float
        Seconds that each answer of theirs may take.

    Raises
    ------
    NoEngine
        If neither has it: as the first says that works at all.
    """
    refused = []
    for program in runtimes.here():
        try:
            words = ("image", "inspect", "--format", "{{.Id}}", name)
            found = runtimes.ask(program, *words, limit_s=limit_s)
            return Image(
                name=name,
                id=found.splitlines()[0].removeprefix("sha256:"),
                program=program,
                rootless=_rootless(program),
            )
        except NoEngine as error:
            refused.append(error)
    lacking = (error for error in refused if error.found.startswith("There is no image"))
    raise next(lacking, refused[0])


def ask(image: Image) -> Answer:
    """Return what the engine of an image says of itself.

    Raises
    ------
    NoEngine
        If the image can't be run.
    """
    key = key_of(image)
    kept = probe_cache.find(key)
    if kept is None:
        events.report(f"Asking {image.name} what its engine is: once, about 10 s.")
        kept = _asked(image)
        probe_cache.keep(key, kept)
    return kept


def options(python: Path, image: Image | None = None) -> frozenset[str]:
    """Return the options that an engine said it accepts, of an image or of an interpreter here.

    None where nobody asked it.
    """
    answer = probe_cache.find(key_of(image) if image is not None else probe_cache.key(python))
    return frozenset(name for flag in (answer.flags if answer else ()) for name in flag.names)


def key_of(image: Image) -> str:
    """Return what an image's answer is kept under."""
    driver = (config.sys_root() / "dev/kfd").exists()
    scripts = [_SCRIPT, *(adapter.script for adapter in adapters.known())]
    facts = [image.id, str(driver), *(f"{path} {path.stat().st_mtime_ns}" for path in scripts)]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


def shown(adapter: Adapter) -> list[str]:
    """Return the words that show an adapter's folder to a container."""
    return runtimes.mount(Path(adapter.folder), str(script(adapter).parent))


def script(adapter: Adapter) -> Path:
    """Return where an adapter's own script lies inside."""
    return Path(PLACE, "adapters", adapter.name, adapter.script.name)


def _asked(image: Image) -> Answer:
    name = f"aim-ask-{secrets.token_hex(4)}"
    place = f"{PLACE}/asked"
    words = [
        *(image.program, "run", "--name", name, *runtimes.confined(image), "--network", "none"),
        *(*runtimes.devices(image), *runtimes.mount(_SCRIPT.parent, place)),
        *(word for adapter in adapters.known() for word in shown(adapter)),
        *("--env", "HOME=/tmp", "--env", "USER=aim-engine", image.id, f"{place}/{_SCRIPT.name}"),
    ]
    try:
        told = probe.answer_of(words, script=script)
    finally:
        # One that did not answer in time may still run.
        with contextlib.suppress(NoEngine):
            runtimes.ask(image.program, "rm", "--force", name)
    if told.answer is None:
        raise runtimes.refusal(image.program, told.errors or told.reason)
    return told.answer


def _environment(image: Image, answer: Answer) -> EngineEnvironment:
    return answer.environment(PREFIX + image.name, "python3", "image", image)


def _described(image: Image) -> EngineEnvironment:
    try:
        return describe(PREFIX + image.name, runtimes.LIST_S)
    except AimError as error:
        return _environment(image, Answer(reason=error.found.rstrip(".")))


def _rootless(program: str) -> bool:
    """Whether root inside is this user outside.

    Raises
    ------
    NoEngine
        For a docker that is: its containers have a network of their own, in which nothing here
        reaches an engine on loopback.
    """
    wanted = (
        "{{json .SecurityOptions}}" if program == "docker" else "{{json .Host.Security.Rootless}}"
    )
    said = json.loads(runtimes.ask(program, "info", "--format", wanted))
    if program == "podman":
        return bool(said)
    if any("name=rootless" in option for option in said or ()):
        raise NoEngine(
            "docker runs without root here: its containers can't be reached on loopback.",
            "podman, which runs without root and shares this machine's network",
        )
    return False


def _read() -> dict[str, Image]:
    with contextlib.suppress(*files.UNREADABLE):
        return _KNOWN.decode(_path().read_bytes())
    return {}


def _remember(image: Image) -> None:
    """Keep that an image was asked, so that it is listed; where that can't be, it is not."""
    before = _read()
    if before.get(image.name) == image:
        return
    with contextlib.suppress(StateUnusable):
        files.private_folder(_path().parent)
        files.write_atomic(_path(), msgspec.json.encode({**before, image.name: image}))


def programs() -> Iterator[str]:
    """Yield the programs that images were asked by."""
    yield from sorted({image.program for image in _read().values()})


def _path() -> Path:
    return config.data_dir() / "asked" / "images.json"
