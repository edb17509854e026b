from .exported import exported, families
from .history import Columns, Recorder, before, columns, latest, samples
from .scrape import RESOURCES, STARTED, Histogram, Scrape, read
from .usage import daily
from .window import between

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
    "daily",
    "exported",
    "families",
    "latest",
    "read",
    "samples",
]
