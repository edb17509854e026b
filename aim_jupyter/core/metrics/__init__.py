"""What a server is doing: one scrape of its metrics, and the figures between two."""

from aim_jupyter.core.metrics.scrape import Histogram, Scrape, read
from aim_jupyter.core.metrics.window import between

__all__ = ["Histogram", "Scrape", "between", "read"]
