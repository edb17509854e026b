"""Serve language models from a notebook on AMD GPUs."""

from __future__ import annotations

__version__ = "0.1.0"
