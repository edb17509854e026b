"""Slurm, by its own commands alone: no library, no REST, no accounting is needed.

Formats are asked for field by field (``-o``, ``-O``), which all versions from 20.11 on print in the
same way; the JSON of ``squeue`` differs between them.
"""

from aim_jupyter.core.places.slurm.slurm import Slurm

__all__ = ["Slurm"]
