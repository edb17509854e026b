"""A plan as text: its command runs as it stands."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.render.plan import plan_text

PLAN = {
    "model": "a/b",
    "recipe_id": "mi300x-fp8-tp2",
    "origin": "derived",
    "argv": ["vllm", "serve", "a/b", "--x", "1"],
    "env": {"A": "x y"},
    "gpus": (0, 1),
    "reasons": ["one", "two"],
    "changes": [],
}


def test_each_fact_has_its_row_and_what_is_empty_none() -> None:
    assert plan_text(PLAN).splitlines() == [
        "Model        a/b",
        "Recipe       mi300x-fp8-tp2 (derived)",
        "Devices      GPU 0, 1",
        "Command      vllm serve a/b \\",
        "             --x 1",
        "Environment  A='x y'",
        "Because      one",
        "             two",
    ]
    assert "Devices      CPU" in plan_text({**PLAN, "gpus": ()})


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")))
)
def test_a_shell_reads_the_same_words(words: list[str]) -> None:
    argv = ["vllm", *words]
    text = plan_text({**PLAN, "argv": argv, "env": {}, "reasons": [], "changes": []})
    command = "\n".join(line[13:] for line in text.splitlines()[3:])
    # What a shell does with a line that goes on, and `shlex` does not.
    assert shlex.split(command.replace("\\\n", "")) == argv
