"""Run a notebook from top to bottom, print what a user sees, and leave it as HTML.

Usage: ``python notebooks/run.py NOTEBOOK HTML``. Ends with 0 only if every cell succeeded and the
cell tagged ``completion`` gave a reply.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

CELL_LIMIT_S = 600
ERROR_LETTERS = 600
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDE = "import pandas; pandas.set_option('display.width', 140)"


def main(notebook: Path, html: Path) -> int:
    """Run `notebook` and write it to `html`, also when a cell fails."""
    content = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        content,
        timeout=CELL_LIMIT_S,
        kernel_name="python3",
        on_cell_executed=Screen(content).executed,
        # Errors only: the kernel's remark on its own transport is nothing that a user sees.
        # Tables as wide as a terminal: a notebook scrolls them instead.
        extra_arguments=["--IPKernelApp.log_level=40", f"--IPKernelApp.exec_lines={WIDE}"],
        resources={"metadata": {"path": str(notebook.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError:
        # The cell's own words stand above; the trace of this runner would only hide them.
        return fail("a cell failed", content, html)
    answer = completion(content)
    if not answer:
        return fail("no completion came back", content, html)
    write(content, html)
    print(f"\nThe model answered: {answer}\nThe notebook as HTML: {html}")
    return 0


class Screen:
    """What a user sees on the notebook's page, printed as it comes."""

    def __init__(self, content: Any) -> None:
        self.cells = content.cells
        self.printed: dict[int, str] = {}

    def executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """Print a cell with its outputs, and cells above that have changed in place meanwhile."""
        if cell.cell_type != "code":
            return
        number = execute_reply["content"].get("execution_count") or cell_index
        print(f"\n[{number}]: " + cell.source.replace("\n", "\n     "), flush=True)
        self.printed[cell_index] = ""
        for index in sorted(self.printed, key=lambda index: index != cell_index):
            self._show(index, changed=index != cell_index)

    def _show(self, index: int, *, changed: bool) -> None:
        cell = self.cells[index]
        text = "\n".join(plain(output).rstrip() for output in cell.outputs)
        if text == self.printed[index]:
            return
        if changed:
            print(f"\n[{cell.execution_count}] above now shows:")
        print(text, flush=True)
        self.printed[index] = text


def plain(output: Any) -> str:
    """Return an output as text."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        # The frames are in the HTML; here the last words are what counts.
        return COLOUR.sub("", "\n".join(output.traceback)[-ERROR_LETTERS:])
    return str(output.data.get("text/plain", ""))


def completion(content: Any) -> str:
    """Return what the cell tagged ``completion`` gave."""
    for cell in content.cells:
        if "completion" in cell.metadata.get("tags", ()):
            results = [o for o in cell.outputs if o.output_type == "execute_result"]
            text = plain(results[-1]) if results else "''"
            return str(ast.literal_eval(text)).strip()
    return ""


def fail(why: str, content: Any, html: Path) -> int:
    """Say why, leave what there is, and return 1."""
    write(content, html)
    print(f"\nFailed: {why}. The notebook as far as it came: {html}", file=sys.stderr)
    return 1


def write(content: Any, html: Path) -> None:
    """Write the executed notebook as one HTML file."""
    html.parent.mkdir(parents=True, exist_ok=True)
    body, _ = HTMLExporter().from_notebook_node(content)
    html.write_text(body)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
