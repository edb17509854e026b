"""The engine `echo`, for aim_jupyter."""

from pathlib import Path

from aim_jupyter.core import adapters

ADAPTER = adapters.read(Path(__file__).parent)
