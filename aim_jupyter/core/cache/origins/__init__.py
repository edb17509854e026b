"""Where models come from: one seam, and each place behind it.

`of` gives what stands behind a name: the Hub with its mirrors, an S3 bucket, a folder of a web
server, ModelScope. All are asked the same: which revision, which files with which hashes, and their
bytes from somewhere on. What is done with the bytes is none of their business: `transfer` hashes
and keeps them. A package of the index is no such place, as pip fetches it: see `packages`.
"""

from __future__ import annotations

from aim_jupyter.core.cache.origins.hub import Hub
from aim_jupyter.core.cache.origins.modelscope import ModelScope
from aim_jupyter.core.cache.origins.origin import Origin
from aim_jupyter.core.cache.origins.s3 import S3
from aim_jupyter.core.cache.origins.web import Web

_SCHEMES: dict[str, type[S3 | Web | ModelScope]] = {
    "s3": S3,
    "https": Web,
    "http": Web,
    "modelscope": ModelScope,
}


def of(repo: str) -> Origin:
    """Return where a model comes from, by its name.

    Examples
    --------
    >>> of("Qwen/Qwen3-8B").title, of("s3://models/qwen3-8b").title
    ('the Hub', 's3://models')
    """
    made = _SCHEMES.get(repo.partition("://")[0]) if "://" in repo else None
    return made(repo) if made else Hub(repo)
