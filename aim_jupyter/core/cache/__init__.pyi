from .download import Download, Obtainable, bytes_on_disk, check_reachable, obtainable
from .fetching import fetch_config
from .headers import Entry, fetch_headers
from .holding import using
from .index import note_launch
from .listing import models, totals
from .locating import Located, folder_in_use, locate, named, snapshot
from .packages import folder_of_package, source_of
from .reaching import refusal

__all__ = [
    "Download",
    "Entry",
    "Located",
    "Obtainable",
    "bytes_on_disk",
    "check_reachable",
    "fetch_config",
    "fetch_headers",
    "folder_in_use",
    "folder_of_package",
    "locate",
    "models",
    "named",
    "note_launch",
    "obtainable",
    "refusal",
    "snapshot",
    "source_of",
    "totals",
    "using",
]
