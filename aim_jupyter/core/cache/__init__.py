"""Models on disk: what is there, whether it suffices to start, and how it gets there."""

from aim_jupyter.core.cache.listing import bytes_on_disk, models, totals
from aim_jupyter.core.cache.locating import Located, locate
from aim_jupyter.core.cache.reaching import check_reachable, fetch_config, refusal

__all__ = [
    "Located",
    "bytes_on_disk",
    "check_reachable",
    "fetch_config",
    "locate",
    "models",
    "refusal",
    "totals",
]
