"""Asking an interpreter: what a working engine says, and what is made of one that does not work."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core.engines import ask, choose, probe_script
from aim_jupyter.core.records import Flag

from .conftest import STUB, MakeEngine, gone

Program = Callable[..., Path]


def test_a_working_engine_tells_everything(engine: MakeEngine) -> None:
    answer = ask(engine())
    assert (answer.reason, answer.engine, answer.version, answer.platform) == (
        "",
        "vllm",
        "0.32.0",
        "cpu",
    )
    assert answer.variables == ("VLLM_ATTENTION_DEBUG", "VLLM_CPU_KVCACHE_SPACE")
    assert answer.flags == (
        Flag(names=("--api-server-count", "-asc")),
        Flag(names=("--served-model-name",), many=True),
        Flag(names=("--middleware",)),
        Flag(names=("--dtype",), choices=("auto", "bfloat16")),
        Flag(names=("--enforce-eager", "--no-enforce-eager"), takes_value=False),
    )


def test_a_build_without_metadata_starts_through_the_older_module(engine: MakeEngine) -> None:
    answer = ask(engine())
    assert answer.command == ("-m", "vllm.entrypoints.openai.api_server")
    assert answer.model_option == "--model"


def test_a_build_with_metadata_starts_through_the_command(
    engine: MakeEngine, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    shutil.copytree(STUB, packages)
    (packages / "vllm-0.32.0.dist-info").mkdir()
    (packages / "vllm-0.32.0.dist-info/METADATA").write_text("Name: vllm\nVersion: 0.32.0\n")
    answer = ask(engine(packages=packages))
    assert answer.command == ("-m", "vllm.entrypoints.cli.main", "serve")
    assert answer.model_option is None


def test_an_older_layout_is_understood(engine: MakeEngine, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    shutil.copytree(STUB, packages)
    vllm = packages / "vllm"
    (vllm / "entrypoints/launchers").rename(vllm / "entrypoints/openai")
    (vllm / "utils/argparse_utils.py").rename(vllm / "utils/__init__.py")
    assert any("--dtype" in flag.names for flag in ask(engine(packages=packages)).flags)


def test_an_engine_without_its_device_is_not_usable(engine: MakeEngine) -> None:
    answer = ask(engine(platform="none"))
    assert answer.reason == "vLLM finds no device here that it was built for"
    assert answer.version == "0.32.0"


def test_a_missing_interpreter(tmp_path: Path) -> None:
    assert ask(tmp_path / "gone").reason == f"there is no program {tmp_path / 'gone'}"


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_bytes(b"\0\1\2")
    path.chmod(0o755)
    assert ask(path).reason == "it can't be started: Exec format error"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "it gave no answer"),
        ("echo 'no such thing' >&2; exit 1", "it gave no answer: no such thing"),
        ("kill -ILL $$", "it was ended by SIGILL"),
        (f"echo; echo '{probe_script.MARKER}not json'", "it gave no answer"),
        (f"echo; echo '{probe_script.MARKER}{{\"flags\": 3}}'", "it gave no answer"),
        ("exec yes", "it gave no answer"),
        ('echo "$@"', "it gave no answer"),
    ],
)
def test_nonsense_is_no_answer(program: Program, script: str, reason: str) -> None:
    assert ask(program(script)).reason == reason


def test_a_hanging_engine_is_killed_with_its_children(program: Program, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.touch()
    script = f"sleep 600 & echo $! $$ > '{pids}'; wait"
    python, limit_s = program(script), 0.5
    while (answer := ask(python, limit_s=limit_s, fresh=True)) and not pids.read_text():
        # It had not even begun.
        limit_s *= 4
    assert answer.reason == f"it did not answer within {limit_s:g} s"
    for pid in map(int, pids.read_text().split()):
        assert gone(pid)


def test_secrets_stay_here_and_device_choices_go_along(
    engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "3")
    names = "'HF_TOKEN', 'HIP_VISIBLE_DEVICES', 'VLLM_LOGGING_LEVEL'"
    (tmp_path / "curious/vllm").mkdir(parents=True)
    (tmp_path / "curious/vllm/__init__.py").write_text(
        f"import os; raise OSError([os.environ.get(name) for name in ({names})])"
    )
    reason = ask(engine(packages=tmp_path / "curious")).reason
    assert reason.endswith("[None, '3', 'ERROR']")


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_the_real_engine_knows_the_flags_that_we_use() -> None:
    environment = choose(platform="cpu")
    answer = ask(Path(environment.python), fresh=True)
    names = {name for flag in answer.flags for name in flag.names}
    assert names >= {"--max-model-len", "--middleware", "--uds", "--enforce-eager"}
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" in answer.variables
