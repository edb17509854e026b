"""A bucket of S3, or of a store that speaks as S3 does.

By botocore alone: it has the chain of credentials (variables, profiles, single sign-on, roles of a
pod or machine), the regions and the endpoints (``AWS_ENDPOINT_URL``) that users of the ``aws``
command have set up. boto3 and s3fs are made of it, and would add nothing here but packages. Where
no credentials are to be found the bucket is asked as anybody may ask.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from aim_jupyter.core.cache import needs
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins.listed import (
    MANIFEST,
    MOST_MANIFEST,
    Listed,
    each,
    manifest,
)
from aim_jupyter.core.cache.origins.origin import Interrupted, Sink
from aim_jupyter.core.errors import BadUsage, ModelMissing, StateUnusable

#: Bytes that are read before they are written: as many a break may cost.
_CHUNK = 1 << 16
_CONNECT_S, _SILENCE_S = 5.0, 30.0
#: What an answer of S3 means, by its code.
_KEYS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_BUSY = ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling")
_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
_DENIED = ("AccessDenied", "AllAccessDisabled", "403")
_REGION = (
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)


class S3(Listed):
    """A model below a prefix of a bucket: ``s3://models/qwen3-8b``."""

    kind: ClassVar[Any] = "s3"

    def __init__(self, repo: str) -> None:
        super().__init__(repo)
        self._bucket, _, self._prefix = repo.removeprefix("s3://").partition("/")
        self.title = f"s3://{self._bucket}"

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`."""
        del commit, attempt
        at = sink.tell()
        if at == file.size:
            return
        with self._met():
            found = self._client.get_object(**self._of(file.name), Range=f"bytes={at}-")
            with contextlib.closing(found["Body"]) as body:
                while block := body.read(_CHUNK):
                    sink.write(block)
        if sink.tell() < file.size:
            raise Interrupted("less came than was promised")

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return a part of a file."""
        del commit
        with self._met():
            wanted = f"bytes={begin}-{begin + size - 1}"
            return bytes(
                self._client.get_object(**self._of(file.name), Range=wanted)["Body"].read()
            )

    def _listed(self) -> Iterable[Remote]:
        with self._met():
            sizes = dict(self._objects())
            hashes = self._manifest() if MANIFEST in sizes else {}
            named = [name for name in sizes if needs.wanted(name)]
            if not named:
                raise ModelMissing(
                    f"{self.repo} has no files of a model.", f"aws s3 ls {self.title}"
                )
            etags = each(lambda name: hashes.get(name) or self._etag(name), named)
            return [
                Remote(name=name, size=sizes[name], etag=etag)
                for name, etag in zip(named, etags, strict=True)
            ]

    def _objects(self) -> Iterator[tuple[str, int]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/" if self._prefix else ""
        )
        cut = len(self._prefix) + 1 if self._prefix else 0
        for page in pages:
            for one in page.get("Contents", ()):
                yield one["Key"][cut:], one["Size"]

    def _manifest(self) -> dict[str, str]:
        body = self._client.get_object(**self._of(MANIFEST))["Body"]
        return manifest(body.read(MOST_MANIFEST))

    def _etag(self, name: str) -> str:
        """Return the hash that the store knows of an object; empty where it knows none."""
        said = self._client.head_object(**self._of(name), ChecksumMode="ENABLED")
        whole = said.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
        if whole and "-" not in (known := said.get("ChecksumSHA256", "-")):
            return _hex(known)
        etag = said["ETag"].strip('"')
        if said.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in said:
            return ""  # then the ETag is no hash of the content
        if "-" not in etag:
            return str(etag)
        part = self._client.head_object(**self._of(name), PartNumber=1)["ContentLength"]
        return f"{etag}-{part}"

    def _of(self, name: str) -> dict[str, str]:
        key = f"{self._prefix}/{name}" if self._prefix else name
        return {"Bucket": self._bucket, "Key": key}

    @functools.cached_property
    def _client(self) -> Any:
        session = _botocore().session.get_session()
        config = _botocore().config.Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_SILENCE_S,
            retries={"mode": "standard", "total_max_attempts": 4},
            signature_version=None if session.get_credentials() else _botocore().UNSIGNED,
            max_pool_connections=16,
            # Of a part of an object there is no checksum; ours is over the whole.
            response_checksum_validation="when_required",
        )
        # A region is a part of the signature; most stores that are not Amazon's take any.
        said = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        return session.create_client("s3", region_name=said or "us-east-1", config=config)

    @contextlib.contextmanager
    def _met(self) -> Iterator[None]:
        """Raise what botocore met as what it means here."""
        errors = _botocore().exceptions
        try:
            yield
        except errors.ClientError as error:
            raise self._answered(error) from error
        except (errors.ParamValidationError, errors.InvalidRegionError) as error:
            raise BadUsage(
                f"{self.repo} is no name of a bucket and a prefix.", "s3://BUCKET/PREFIX"
            ) from error
        except errors.PartialCredentialsError as error:
            raise ModelMissing(f"The credentials for {self.title} are not whole.", _KEYS) from error
        except (errors.ProfileNotFound, errors.ConfigParseError) as error:
            raise StateUnusable(
                f"{error}.", "set AWS_PROFILE to a profile of ~/.aws/config"
            ) from error
        except _lost(errors) as error:
            # Its own words hold the whole address, and with that perhaps a signature.
            raise Interrupted("the connection broke") from error
        except errors.BotoCoreError as error:
            raise ModelMissing(
                f"{self.repo} can't be had: {type(error).__name__}.", _KEYS
            ) from error

    def _answered(self, error: Any) -> Exception:
        """Return what an answer of the store means."""
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        unsigned = self._client.meta.config.signature_version is _botocore().UNSIGNED
        if code in _BUSY or status in (429, 500, 502, 503, 504):
            return Interrupted(f"it answered {code or status}")
        if code in _KEY or (code in _DENIED and unsigned):
            why = "there are no credentials, and not everybody may read it" if unsigned else code
            return ModelMissing(f"{self.title} is closed: {why}.", _KEYS)
        if code in _DENIED:
            return ModelMissing(
                f"{self.repo} may not be read with these credentials: {code}.", _KEYS
            )
        if code in _REGION:
            region = error.response.get("Error", {}).get("Region") or "another region"
            return ModelMissing(f"{self.title} lies in {region}.", "set AWS_REGION to its region")
        if code == "NoSuchBucket":
            return ModelMissing(
                f"There is no bucket {self.title}.", "check the name, and AWS_ENDPOINT_URL"
            )
        return ModelMissing(f"{self.repo} can't be had: {self.title} answered {code}.", self._again)


def _lost(errors: Any) -> tuple[type[Exception], ...]:
    """Return what botocore raises where the store is not reached, or not to the end."""
    return (
        *(ConnectionError, errors.HTTPClientError, errors.ConnectionError),
        *(errors.ResponseStreamingError, errors.IncompleteReadError),
    )


def _hex(base64: str) -> str:
    import binascii  # noqa: PLC0415 - of few objects

    try:
        return binascii.a2b_base64(base64).hex()
    except ValueError:
        return base64


@functools.cache
def _botocore() -> Any:
    """Return botocore, which is imported where it is needed: it takes a third of a second."""
    try:
        import botocore.config  # noqa: PLC0415
        import botocore.exceptions  # noqa: PLC0415
        import botocore.session  # noqa: PLC0415
    except ImportError as error:
        raise StateUnusable(
            "s3:// needs botocore, which is not installed.", "pip install 'aim-jupyter[s3]'"
        ) from error
    return botocore
