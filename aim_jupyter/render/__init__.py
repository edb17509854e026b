"""What users see: each card as HTML and as text, from the records alone.

Pure functions without IPython: the front ends decide where a card is shown. How cards look and
read is laid down in the design; `tests/render/gallery.py` shows them all.
"""

from aim_jupyter.render.cache import cache_card
from aim_jupyter.render.card import Card
from aim_jupyter.render.chat import reply_footer
from aim_jupyter.render.checks import checks_card
from aim_jupyter.render.download import download_card, download_line
from aim_jupyter.render.engines import engines_card
from aim_jupyter.render.events import event_line
from aim_jupyter.render.eviction import eviction_card
from aim_jupyter.render.fit import fit_card
from aim_jupyter.render.frame import frame_html, frame_text
from aim_jupyter.render.gpus import gpus_card
from aim_jupyter.render.launch import launch_card
from aim_jupyter.render.nothing import nothing_card
from aim_jupyter.render.plan import plan_text
from aim_jupyter.render.recipes import recipes_card
from aim_jupyter.render.startable import startable_card
from aim_jupyter.render.starting import progress_line
from aim_jupyter.render.stats import stats_card
from aim_jupyter.render.status import status_card
from aim_jupyter.render.text import table as table_text
from aim_jupyter.render.top import top_card
from aim_jupyter.render.warm import warm_card

__all__ = [
    "Card",
    "cache_card",
    "checks_card",
    "download_card",
    "download_line",
    "engines_card",
    "event_line",
    "eviction_card",
    "fit_card",
    "frame_html",
    "frame_text",
    "gpus_card",
    "launch_card",
    "nothing_card",
    "plan_text",
    "progress_line",
    "recipes_card",
    "reply_footer",
    "startable_card",
    "stats_card",
    "status_card",
    "table_text",
    "top_card",
    "warm_card",
]
