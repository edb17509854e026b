"""What users write and read: recipe files, and what is said about a wrong one."""

from pathlib import Path

import pytest

from aim_jupyter.core.errors import RecipeInvalid
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.files.authoring import check
from tests.core.conftest import Write

GOOD = """\
model: org/model
licence: mit
weights:
  bf16: org/model
  fp8: {repo: org/model-FP8, args: {kv-cache-dtype: fp8}}
args: {reasoning-parser: qwen3}
shared:
  fast:
    args: {max-num-seqs: 64}
    env: {VLLM_ROCM_USE_AITER: 1}
settings:
- gpu: [MI300X, MI325X]
  weights: [bf16, fp8]
  tp: [1, 2]
  use: fast
  args: {enforce-eager: null}
- gpu: MI300X
  weights: bf16
  tp: 1
  metric: latency
  name: mine
  manual_only: true
"""


def problem(write: Write, text: str) -> str:
    (found,) = Catalogue([write("org/model.yaml", text)]).problems
    return found.found


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("tp: [1, 2]", "tp: [1, 9]"), "line 14: expected settings[0].tp[1]: int <= 8; found 9."),
        (("gpu: MI300X\n", "gpu: MI300\n"), "line 17: expected settings[1].gpu: "),
        (("use: fast", "use: fats"), "line 15: expected settings[0].use: one of fast; found fats."),
        (("weights: bf16\n", "weights: fp4\n"), "expected settings[1].weights: one of bf16, fp8;"),
        (("  name: mine\n", ""), ""),
        (
            ("metric: latency", "metrik: latency"),
            "line 20: expected settings[1].metrik: a key of the format, such as metric",
        ),
        (("model: org/model\n", ""), "line 1: expected a key 'model'; found the keys licence,"),
        (
            ("  bf16: org/model\n", "  bf16: 3\n"),
            "line 4: expected weights.bf16: str | object; found 3.",
        ),
        (
            ("  bf16: org", "  odd: org"),
            "line 4: expected weights.odd: a 'precision', one of fp32,",
        ),
        (("licence: mit", "licence: [mit"), "line 3: expected YAML; found did not find expected"),
        (("licence: mit", "model: org/model"), "line 2: expected YAML; found 'model' twice"),
        (
            ("licence: mit", "licence: 2025-13-99"),
            "line 1: expected plain YAML values; found month",
        ),
        (("licence: mit", "licence: !!python/none x"), "line 2: expected YAML; found could not"),
        (("{max-num-seqs: 64}", "{Max: 64}"), "line 9: expected shared.fast.args"),
    ],
)
def test_a_wrong_file_is_told_by_line(write: Write, wrong: tuple[str, str], said: str) -> None:
    text = GOOD.replace(*wrong)
    if said:
        assert said in problem(write, text)
        assert "model.yaml, line " in problem(write, text)
    else:
        assert Catalogue([write("org/model.yaml", text)]).problems == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe model", "line 1: expected UTF-8 text; found byte 0xff."),
        (b"model: a\x00b", "line 1: expected YAML; found control characters are not allowed."),
        (
            b"a: &a [*a]",
            "line 1: expected plain YAML values; found aliases that unfold to more than 100,000",
        ),
        (b"[" * 5000, "expected"),
        (b"", "line 1: expected object; found None."),
        (b"- model", "line 1: expected object; found ['model']."),
        (b"x" * (1 << 20) + b"x", "line 1: expected a file of at most 1 MiB; found 1048577 bytes."),
    ],
)
def test_what_is_no_recipe_at_all(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeInvalid) as error:
        check(path)
    assert said in error.value.found
    assert error.value.hint == f"%aim recipe check {path}"


def test_aliases_that_unfold_beyond_reason_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(RecipeInvalid, match="aliases that unfold"):
        check(path)


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(RecipeInvalid, match="expected a readable file"):
        check(tmp_path / "folder.yaml")


def test_one_wrong_file_does_not_keep_others_from_loading(write: Write) -> None:
    write("org/bad.yaml", "model: [")
    found = Catalogue([write("org/model.yaml", GOOD)])
    assert found.names == ("org/model",)
    assert [Path(one.found.split(",")[0]).name for one in found.problems] == ["bad.yaml"]
