"""Every test of this folder may ask for a shell with the extension loaded."""

from tests.notebook.cells import session

__all__ = ["session"]
