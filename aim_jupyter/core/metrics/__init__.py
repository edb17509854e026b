"""What a server is doing: one scrape of its metrics, the figures between two, and the past."""

from aim_jupyter.core.metrics.exported import exported, families
from aim_jupyter.core.metrics.history import Columns, Recorder, before, columns, latest, samples
from aim_jupyter.core.metrics.scrape import RESOURCES, STARTED, Histogram, Scrape, read
from aim_jupyter.core.metrics.window import between

__all__ = [
    "RESOURCES",
    "STARTED",
    "Columns",
    "Histogram",
    "Recorder",
    "Scrape",
    "before",
    "between",
    "columns",
    "exported",
    "families",
    "latest",
    "read",
    "samples",
]
