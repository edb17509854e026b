"""A folder of a web server, with a list of the hashes of its files beside them."""

from __future__ import annotations

import http
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote, urlsplit

from aim_jupyter.core.cache import needs
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins import asking
from aim_jupyter.core.cache.origins.asking import Refused
from aim_jupyter.core.cache.origins.listed import MANIFEST, Listed, each, manifest
from aim_jupyter.core.cache.origins.origin import Sink
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.records.plan import SourceKind


class Web(Listed):
    """A model below an address: ``https://models.example.org/qwen3-8b``."""

    kind: ClassVar[SourceKind] = "web"

    def __init__(self, repo: str) -> None:
        super().__init__(repo)
        self.title = urlsplit(repo).netloc

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`."""
        del commit, attempt
        asking.body(self._url(file.name), {}, file, sink)

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return a part of a file."""
        del commit
        return asking.part(self._url(file.name), {}, begin, size)

    def _listed(self) -> Iterable[Remote]:
        try:
            hashes = manifest(asking.answer(self._url(MANIFEST), {}))
        except Refused as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                raise ModelMissing(
                    f"{self.repo} has no {MANIFEST}, by which its files would be known.",
                    f"in the folder that is served there: sha256sum * > {MANIFEST}",
                ) from error
            raise
        named = [name for name in hashes if needs.wanted(name)]
        sizes = each(lambda name: asking.size(self._url(name), {}), named)
        return [
            Remote(name=name, size=size, etag=hashes[name])
            for name, size in zip(named, sizes, strict=True)
        ]

    def _url(self, name: str) -> str:
        return f"{self.repo}/{quote(name)}"
