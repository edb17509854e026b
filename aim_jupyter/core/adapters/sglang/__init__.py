"""SGLang, through the seam that every engine goes through."""

from pathlib import Path

from aim_jupyter.core.adapters.registry import read

ADAPTER = read(Path(__file__).parent)
