"""Models on disk: what is there, whether it suffices to start, and how it gets there and away."""

from aim_jupyter.core.cache.download import Download, bytes_on_disk
from aim_jupyter.core.cache.headers import Entry, fetch_headers
from aim_jupyter.core.cache.holding import using
from aim_jupyter.core.cache.index import note_launch
from aim_jupyter.core.cache.listing import models, totals
from aim_jupyter.core.cache.locating import Located, folder_in_use, locate
from aim_jupyter.core.cache.reaching import check_reachable, fetch_config, refusal

__all__ = [
    "Download",
    "Entry",
    "Located",
    "bytes_on_disk",
    "check_reachable",
    "fetch_config",
    "fetch_headers",
    "folder_in_use",
    "locate",
    "models",
    "note_launch",
    "refusal",
    "totals",
    "using",
]
