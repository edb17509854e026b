"""A shell with the extension loaded, for tests to run cells in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output


class Session:
    """A shell with the extension loaded; what a cell gives and shows."""

    def __init__(self, shell: Any) -> None:
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
