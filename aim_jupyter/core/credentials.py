"""Which variables hold what nobody else may read: left out of lines, and of what we start."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

#: The keys of S3.
_STORE = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
#: What a notebook's process may hold and neither an engine nor a probe of one ever needs.
UNNEEDED = (
    *("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN"),
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN"),
    *_STORE,
)
_NAMED = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY", re.IGNORECASE)


def looks_secret(variable: str) -> bool:
    """Return whether the value of a variable should not be shown, by its name.

    Examples
    --------
    >>> looks_secret("WANDB_API_KEY"), looks_secret("KEYBOARD")
    (True, False)
    """
    return bool(_NAMED.search(variable))


def of_store(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of S3 in an environment, for an engine that reads its model from there."""
    return {name: environment[name] for name in _STORE if name in environment}


def without(environment: Mapping[str, str], more: Collection[str] = ()) -> dict[str, str]:
    """Return an environment without what is in `UNNEEDED`, and without `more`."""
    gone = {*UNNEEDED, *more}
    return {name: value for name, value in environment.items() if name not in gone}
