"""Whether the Hub has a model and lets us have it, asked before anything is started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aim_jupyter.core import config
from aim_jupyter.core.errors import ModelMissing, Offline, UnknownName

LIMIT_S = 8.0


def fetch_config(repo: str) -> dict[str, Any]:
    """Return the ``config.json`` of a repository that is not in the cache.

    Raises
    ------
    ModelMissing
        If it has none.
    """
    from huggingface_hub import errors as hub  # noqa: PLC0415 - see `check_reachable`
    from huggingface_hub import hf_hub_download  # noqa: PLC0415

    try:
        file = hf_hub_download(repo, "config.json", cache_dir=config.model_cache_dir())
        facts = json.loads(Path(file).read_bytes())
    except (hub.EntryNotFoundError, ValueError) as error:
        raise ModelMissing(
            f"{repo} has no config.json that can be read.",
            "choose a repository that holds a model in the Transformers format",
        ) from error
    return dict(facts)


def _is_network_trouble(error: Exception) -> bool:
    """Whether the Hub was not reached: its client lets the errors of its HTTP library through.

    That library is httpx in huggingface_hub 1, httpx2 in 2; neither is ours to import.
    """
    libraries = {each.__module__.partition(".")[0] for each in type(error).__mro__}
    return isinstance(error, OSError) or bool(libraries & {"httpx", "httpx2", "requests"})


def check_reachable(repo: str, revision: str | None = None) -> int | None:
    """Ask the Hub for `repo` and return its size in bytes where it says.

    Raises
    ------
    Offline
        If the Hub can't be reached or may not be asked.
    ModelMissing
        If the repository is gated for this user.
    UnknownName
        If the Hub has no such repository.
    """
    # Imported here: 0.3 s, and only needed for a model that is not cached.
    from huggingface_hub import HfApi  # noqa: PLC0415
    from huggingface_hub import errors as hub  # noqa: PLC0415

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise Offline(
            f"{repo} is not in the cache, and HF_HUB_OFFLINE forbids to download it.",
            "unset HF_HUB_OFFLINE, or run %aim launch to start the demo",
        )
    try:
        info = HfApi().model_info(repo, revision=revision, timeout=LIMIT_S, files_metadata=True)
    except hub.GatedRepoError as error:
        raise ModelMissing(
            f"{repo} is gated: this account has no access to it.",
            f"ask for access on the model's page, set HF_TOKEN, then %aim launch {repo}",
        ) from error
    except hub.RepositoryNotFoundError as error:
        raise UnknownName(
            "model", repo, (), "%aim recipes lists the models that are known here"
        ) from error
    except hub.RevisionNotFoundError as error:
        raise ModelMissing(
            f"{repo} has no revision {revision!r}.", f"%aim launch {repo}"
        ) from error
    except Exception as error:
        if not _is_network_trouble(error):
            raise
        raise Offline(
            f"{repo} is not in the cache, and the Hub can't be reached.",
            "connect to the network, or copy the model into the cache: %aim cache shows where",
        ) from error
    sizes = [file.size for file in info.siblings or [] if file.size is not None]
    return sum(sizes) or None
