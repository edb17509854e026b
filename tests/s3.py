"""A real S3 on loopback: moto's server, with models in it, and what may go wrong before it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.between import Between, between

BUCKET = "models"
#: What S3 takes in one part at least.
PART = 5 << 20


class Store:
    """A store with one bucket.

    Attributes
    ----------
    before : Between
        What clients speak to.
    client : botocore.client.S3
        For the tests, past what goes wrong.
    """

    def __init__(self, before: Between, client: Any) -> None:
        self.before = before
        self.client = client

    def put(self, prefix: str, files: Mapping[str, bytes], **how: str) -> None:
        """Upload the files of a model; what is long enough comes in parts."""
        for name, data in files.items():
            where = {"Bucket": BUCKET, "Key": f"{prefix}/{name}"}
            if len(data) > PART and not how:
                self._in_parts(where, data)
            else:
                self.client.put_object(**where, Body=data, **how)

    def open(self, bucket: str, files: Mapping[str, bytes]) -> None:
        """Make a bucket that everybody may read, with a model below ``m``."""
        self.client.create_bucket(Bucket=bucket, ACL="public-read")
        for name, data in files.items():
            self.client.put_object(Bucket=bucket, Key=f"m/{name}", Body=data, ACL="public-read")

    def _in_parts(self, where: Mapping[str, str], data: bytes) -> None:
        upload = self.client.create_multipart_upload(**where)["UploadId"]
        parts = []
        for number, at in enumerate(range(0, len(data), PART), start=1):
            sent = self.client.upload_part(
                **where, UploadId=upload, PartNumber=number, Body=data[at : at + PART]
            )
            parts.append({"ETag": sent["ETag"], "PartNumber": number})
        self.client.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload={"Parts": parts}
        )


@contextlib.contextmanager
def running_s3(patch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Run a store until the end of the block; children and this process find it by variables."""
    import botocore.session  # noqa: PLC0415 - both take a second, and few tests need them
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-tests",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        client = botocore.session.get_session().create_client(
            "s3", region_name="us-east-1", endpoint_url=f"http://{host}:{port}"
        )
        client.create_bucket(Bucket=BUCKET)
        with between(f"http://{host}:{port}") as before:
            patch.setenv("AWS_ENDPOINT_URL", before.url)
            yield Store(before, client)
    finally:
        server.stop()
