from .download import Download, bytes_on_disk, obtainable
from .fetching import fetch_config
from .headers import Entry, fetch_headers
from .holding import using
from .index import note_launch
from .listing import models, totals
from .locating import Located, folder_in_use, locate
from .packages import folder_of_package, source_of
from .reaching import check_reachable, refusal

__all__ = [
    "Download",
    "Entry",
    "Located",
    "bytes_on_disk",
    "check_reachable",
    "fetch_config",
    "fetch_headers",
    "folder_in_use",
    "folder_of_package",
    "locate",
    "models",
    "note_launch",
    "obtainable",
    "refusal",
    "source_of",
    "totals",
    "using",
]
