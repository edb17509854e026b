from .bench import bench_card
from .cache import cache_card
from .card import Card
from .chat import reply_footer
from .checks import checks_card
from .download import download_card, download_line
from .drift import drift_card
from .engines import engines_card
from .events import event_line
from .eviction import eviction_card
from .explained import explained_card
from .fit import fit_card
from .frame import frame_html, frame_text
from .gpus import gpus_card
from .launch import launch_card
from .mapping import map_card, map_line
from .notes import note_lines
from .nothing import nothing_card
from .plan import plan_text
from .provenance import differences_card, record_card
from .recipes import recipes_card
from .reply import reply_markdown
from .startable import startable_card
from .starting import progress_line
from .stats import stats_card
from .status import status_card
from .top import top_card
from .warm import warm_card

__all__ = [
    "Card",
    "bench_card",
    "cache_card",
    "checks_card",
    "differences_card",
    "download_card",
    "download_line",
    "drift_card",
    "engines_card",
    "event_line",
    "eviction_card",
    "explained_card",
    "fit_card",
    "frame_html",
    "frame_text",
    "gpus_card",
    "launch_card",
    "map_card",
    "map_line",
    "note_lines",
    "nothing_card",
    "plan_text",
    "progress_line",
    "recipes_card",
    "record_card",
    "reply_footer",
    "reply_markdown",
    "startable_card",
    "stats_card",
    "status_card",
    "top_card",
    "warm_card",
]
