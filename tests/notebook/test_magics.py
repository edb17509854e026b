"""``%aim`` in a real IPython shell, read as a user's session."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from aim_jupyter.core.errors import UnknownName
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.notebook.cells import Session
from tests.waiting import until


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
