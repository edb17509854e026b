"""``%aim`` in a real IPython shell, read as a user's session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output

from aim_jupyter.core.errors import UnknownName
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.waiting import until


class Session:
    """A shell with the extension loaded; what a cell gives and shows."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.value: object = None

    def run(self, cell: str) -> CapturedIO:
        """Run a cell that must succeed."""
        with capture_output() as shown:
            result = self.shell.run_cell(cell, store_history=True)
        result.raise_error()
        self.value = result.result
        return shown

    def fails(self, cell: str) -> tuple[BaseException, str]:
        """Run a cell that must fail; return the error and what the user reads."""
        with capture_output() as shown:
            result = self.shell.run_cell(cell, store_history=True)
        error = result.error_in_exec
        assert error is not None, "the cell did not fail"
        return error, (shown.stdout + shown.stderr).strip()


@pytest.fixture
def session() -> Iterator[Session]:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "aim_jupyter")
    yield Session(shell)
    shell.run_line_magic("unload_ext", "aim_jupyter")
    InteractiveShell.clear_instance()


def test_loading_prints_nothing_and_unloading_leaves_nothing() -> None:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    matchers = list(shell.Completer.custom_matchers)
    with capture_output() as shown:
        shell.run_line_magic("load_ext", "aim_jupyter")
        assert "aim" in shell.magics_manager.magics["line"]
        shell.run_line_magic("unload_ext", "aim_jupyter")
    assert (shown.stdout, shown.stderr, shown.outputs) == ("", "", [])
    assert "aim" not in shell.magics_manager.magics["line"]
    assert "aim" not in shell.magics_manager.magics["cell"]
    assert shell.Completer.custom_matchers == matchers
    InteractiveShell.clear_instance()


def test_the_bare_magic_shows_the_status_card(session: Session) -> None:
    shown = session.run("%aim")
    (card,) = shown.outputs
    assert "no GPU" in card.data["text/plain"]
    assert "%aim engine install cpu" in card.data["text/plain"]
    assert card.data["text/html"].startswith("<div")


def test_a_table_is_a_frame_with_its_card_below(session: Session) -> None:
    shown = session.run("%aim gpus")
    assert isinstance(session.value, pd.DataFrame)
    assert list(session.value.columns[:3]) == ["gpu", "pci", "model"]
    assert "None found" in shown.outputs[-1].data["text/plain"]


@pytest.mark.parametrize("cell", ["df = %aim gpus", "%aim gpus;"])
def test_a_kept_or_silenced_table_shows_nothing(session: Session, cell: str) -> None:
    shown = session.run(cell)
    assert (shown.stdout, shown.outputs) == ("", [])


def test_a_table_in_a_longer_cell_shows_no_card(session: Session) -> None:
    shown = session.run("df = %aim gpus\nlen(df)")
    assert session.value == 0
    assert all("None found" not in str(output.data) for output in shown.outputs)


def test_recipes_of_one_model_are_ranked(session: Session) -> None:
    session.run("%aim recipes demo")
    frame = session.value
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.name == "rank"
    assert frame.loc[1, "recipe"] == "cpu-bf16-tp1"


def test_a_server_from_launch_to_stop(session: Session, fake: FakeEngine, tmp_path: Path) -> None:
    booted = tmp_path / "booted"
    fake(gates={"boot": str(booted)})
    shown = session.run("server = %aim launch demo")
    assert "starting" in shown.outputs[0].data["text/plain"]
    booted.touch()
    session.run("%aim wait")
    server = session.shell.user_ns["server"]
    assert isinstance(server, Server)
    assert server.state == "running"

    session.run("client = %aim client")
    session.run(
        "client.chat.completions.create(model='default',"
        " messages=[{'role': 'user', 'content': 'hi'}]).choices[0].message.content"
    )
    assert session.value == "You said: hi"
    assert server.api_key not in session.run("client").stdout

    shown = session.run("%aim stop")
    assert "stopped" in shown.outputs[0].data["text/plain"]
    assert server.state == "stopped"


def test_launch_as_the_last_line_shows_one_card_only(session: Session, fake: FakeEngine) -> None:
    fake()
    shown = session.run("%aim launch demo")
    cards = [output for output in shown.outputs if "text/html" in output.data]
    assert len(cards) == 1
    session.run("%aim wait")


def test_a_chat_goes_on_from_cell_to_cell(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("server = %aim launch demo")
    session.run("%aim wait")
    shown = session.run("%%aim chat\nhello there")
    texts = [output.data["text/plain"] for output in shown.outputs]
    assert texts[-2] == "You said: hello there"
    assert "4 tokens" in texts[-1]
    session.run("%%aim chat\nand again")
    magics = session.shell.magics_manager.magics["line"]["aim"].__self__.session.outcomes
    assert [message["role"] for message in magics._conversations["demo"].messages] == [
        *("user", "assistant", "user", "assistant")
    ]
    session.run("%%aim chat --new --system 'Be short'\nonce more")
    assert len(magics._conversations["demo"].messages) == 3


def test_a_body_is_never_interpolated(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("server = %aim launch demo")
    session.run("%aim wait")
    shown = session.run("%%aim chat\nuse {server} and $HOME")
    assert "text/markdown" in shown.outputs[-2].data
    magics = session.shell.magics_manager.magics["line"]["aim"].__self__.session.outcomes
    assert (
        magics._conversations["demo"].messages[-1]["content"] == "You said: use {server} and $HOME"
    )


def test_the_line_is_interpolated(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("name = 'mine'")
    session.run("server = %aim launch demo --name {name}")
    assert session.shell.user_ns["server"].name == "mine"
    session.run("%aim wait")


def test_an_unknown_verb_fails_the_cell_in_two_lines(session: Session) -> None:
    error, text = session.fails("%aim lanuch demo")
    assert isinstance(error, UnknownName)
    assert error.nearest[0] == "launch"
    found, hint = text.splitlines()
    assert found.startswith("UnknownName: There is no verb 'lanuch'. Nearest: launch")
    assert hint == "Try: %aim launch demo"


def test_an_expected_failure_can_be_caught(session: Session) -> None:
    session.run(
        "import aim_jupyter as aim\n"
        "try:\n    get_ipython().run_line_magic('aim', 'recipes nothing-like-it')\n"
        "except aim.AimError as error:\n    caught = type(error).__name__"
    )
    assert session.shell.user_ns["caught"] == "UnknownName"


def test_a_defect_keeps_its_traceback(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_jupyter.core.api.machine", lambda: 1 / 0)
    _, text = session.fails("%aim gpus")
    assert "Traceback" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%aim launch demo --wrong-flag 3", "vLLM 0.32.0 has no option --wrong-flag"),
        ("%aim launch /no/such/model", "There is no folder /no/such/model"),
        ("%aim launch dmeo", "Nearest: demo"),
        ("%aim status nobody", "There is no server 'nobody'"),
        ("%aim client", "No server has been launched"),
        ("%aim logs", "No server has been launched"),
        ("%aim launch demo --gpus x", "names no GPUs"),
        ("%aim launch demo --idle soon", "is no duration"),
        ("%aim stop 'demo", "can't be split"),
        ("%aim gpus --wrong", "does not know '--wrong'"),
        ("%aim launch demo --name ../x", "can't name a server"),
    ],
)
def test_bad_input_is_told_in_two_lines(
    session: Session, fake: FakeEngine, line: str, said: str
) -> None:
    fake()
    _, text = session.fails(line)
    lines = [line for line in text.splitlines() if not line.startswith("Asking ")]
    found, hint = lines
    assert said in found
    assert hint.startswith(("Try: %aim", "To do: "))


def test_without_an_engine_launch_says_how_to_get_one(session: Session) -> None:
    _, text = session.fails("%aim launch demo")
    assert text.startswith("NoEngine: ")
    assert text.endswith("%aim engine install cpu")


def test_help_names_every_verb_and_explains_one(session: Session) -> None:
    text = session.run("%aim help").stdout
    for verb in ("gpus", "recipes", "launch", "client", "chat", "metrics", "cache", "logs", "stop"):
        assert f"%aim {verb}" in text
    assert "--idle" in session.run("%aim help launch").stdout
    assert "--idle" in session.run("%aim launch --help").stdout


def test_a_comment_is_no_argument(session: Session) -> None:
    session.run("%aim gpus  # what is here?")
    assert isinstance(session.value, pd.DataFrame)


@pytest.mark.parametrize(
    "line",
    [
        "launch demo --wrong-flag 3",
        "launch dmeo",
        "launch demo --users x",
        "launch 'demo",
        "launch --gpus x",
    ],
)
def test_no_verb_goes_on_with_another_server_after_a_launch_that_was_refused(
    fake: FakeEngine, session: Session, line: str
) -> None:
    fake()
    session.run("%aim launch demo --name good")
    session.run("%aim wait")
    error, _ = session.fails(f"%aim {line}")
    for verb in ("wait", "status", "client", "logs", "stop", "attach", "chat --say hello"):
        _, text = session.fails(f"%aim {verb}")
        assert "The last launch here failed" in text, verb
        assert error.args[0] in text
    session.run("%aim status good")
    session.run("%aim launch --help")
    session.run("%aim launch demo --name good")
    session.run("%aim stop")


def test_no_verb_goes_on_with_another_server_after_a_start_that_failed(
    fake: FakeEngine, session: Session
) -> None:
    fake()
    session.run("%aim launch demo --name good")
    session.run("%aim wait")
    fake(fail_at="load")
    session.run("%aim launch demo --name bad --new")
    _, text = session.fails("%aim wait")
    assert "'bad'" in text
    until(lambda: "failed" in str(session.run("%aim status").outputs[0].data["text/plain"]))
    for verb in ("client", "attach", "chat --say hello", "stop"):
        _, text = session.fails(f"%aim {verb}")
        assert "Server 'bad', which was launched last, is failed" in text, verb
        assert "Others: good." in text
    session.run("%aim stop good")
