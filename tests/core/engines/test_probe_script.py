"""What an interpreter answers from inside."""

import ast
from pathlib import Path

from aim_jupyter.core.engines import ask, probe_script

from .conftest import MakeEngine


def test_an_import_that_fails_is_told(engine: MakeEngine, tmp_path: Path) -> None:
    (tmp_path / "broken/vllm").mkdir(parents=True)
    (tmp_path / "broken/vllm/__init__.py").write_text("raise OSError('libcudart.so.13: gone')")
    reason = ask(engine(packages=tmp_path / "broken")).reason
    assert reason == "vLLM does not load: OSError: libcudart.so.13: gone"


def test_an_interpreter_without_vllm_says_so(engine: MakeEngine, tmp_path: Path) -> None:
    assert ask(engine(packages=tmp_path)).reason == "no engine is installed here"


def test_our_own_modules_do_not_shadow_the_engines(engine: MakeEngine, tmp_path: Path) -> None:
    (tmp_path / "curious/vllm").mkdir(parents=True)
    (tmp_path / "curious/vllm/__init__.py").write_text("import answers")
    assert "No module named 'answers'" in ask(engine(packages=tmp_path / "curious")).reason


def test_the_script_is_python_3_9() -> None:
    ast.parse(Path(probe_script.__file__).read_text(), feature_version=(3, 9))
