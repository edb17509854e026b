"""ModelScope: its own list of files with their hashes, and its address of each."""

from __future__ import annotations

import http
import os
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from aim_jupyter.core.cache import needs
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins import asking
from aim_jupyter.core.cache.origins.asking import Refused
from aim_jupyter.core.cache.origins.listed import Listed
from aim_jupyter.core.cache.origins.origin import Sink
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.records.plan import SourceKind

_ENDPOINT = "https://www.modelscope.cn"
_REVISION = "master"
#: As many files a list has at most; it does not say that there are more
#: (``modelscope_hub`` 0.4.6, ``REPO_FILES_TRUNCATION_LIMIT``).
_MOST = 3000


class _File(Struct, rename="pascal"):
    path: str = ""
    type: str = ""
    size: int = -1
    sha256: str = ""


class _Data(Struct, rename="pascal"):
    files: list[_File] = []


class _Answer(Struct, rename="pascal"):
    data: _Data | None = None


class ModelScope(Listed):
    """A model of ModelScope: ``modelscope://Qwen/Qwen3-8B``, its main branch."""

    kind: ClassVar[SourceKind] = "modelscope"
    title = "ModelScope"

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`."""
        del commit, attempt
        asking.body(self._url(file.name), _headers(), file, sink)

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return a part of a file."""
        del commit
        return asking.part(self._url(file.name), _headers(), begin, size)

    def _listed(self) -> Iterable[Remote]:
        url = f"{self._model}/repo/files?Revision={_REVISION}&Recursive=True"
        text = asking.answer(url, _headers())
        try:
            data = msgspec.json.decode(text, type=resolved(_Answer)).data or _Data()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unclear() from error
        if not data.files or len(data.files) >= _MOST:
            raise self._unclear()
        return [
            Remote(name=file.path, size=file.size, etag=file.sha256)
            for file in data.files
            if file.type == "blob" and needs.wanted(file.path)
        ]

    def _unclear(self) -> ModelMissing:
        return ModelMissing(f"What ModelScope says of {self.repo} is not understood.", self._again)

    def _why(self, error: Refused) -> str:
        if error.status == http.HTTPStatus.NOT_FOUND:
            return (
                "ModelScope has no such model, or a private one, which needs MODELSCOPE_API_TOKEN"
            )
        return super()._why(error)

    def _url(self, name: str) -> str:
        return f"{self._model}/repo?Revision={_REVISION}&FilePath={quote(name, safe='')}"

    @property
    def _model(self) -> str:
        said = os.environ.get("MODELSCOPE_ENDPOINT") or _ENDPOINT
        return f"{said.rstrip('/')}/api/v1/models/{quote(self.repo.partition('://')[2])}"


def _headers() -> dict[str, str]:
    # As its own library has it: a cookie, which no redirect takes elsewhere.
    token = os.environ.get("MODELSCOPE_API_TOKEN")
    return {"Cookie": f"m_session_id={token}"} if token else {}
