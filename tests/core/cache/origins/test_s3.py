"""What S3 alone has: keys, regions, and hashes that are none."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import pytest

from aim_jupyter.core import cache
from aim_jupyter.core.cache import origins
from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, Offline, StateUnusable
from aim_jupyter.core.planning import resolving
from tests.core.cache.origins.conftest import WEIGHTS, Fetch
from tests.hub import Fault
from tests.s3 import BUCKET, Store

REPO = "s3://models/org/model"


def refused(repo: str) -> AimError:
    with pytest.raises(AimError) as caught:
        cache.check_reachable(repo)
    return caught.value


def test_what_came_in_parts_is_known_by_them(s3: Store, fetch: Fetch) -> None:
    large = random.Random(3).randbytes((11 << 20) + 5)
    s3.put("large", {"config.json": b"{}", "tokenizer.json": b"{}", WEIGHTS: large})
    assert fetch("s3://models/large").done
    located = cache.locate("s3://models/large")
    assert Path(located.path or "", WEIGHTS).read_bytes() == large
    assert "-3-5242880" in Path(located.path or "", WEIGHTS).resolve().name
    (found,) = (one for one in cache.models() if one.model == "s3://models/large")
    assert (found.state, found.verified) == ("complete", True)


def test_a_list_of_hashes_comes_before_what_the_store_knows(
    s3: Store, files: dict[str, bytes]
) -> None:
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()} *./{name}\n" for name, data in files.items()
    )
    s3.put("listed", {**files, "SHA256SUMS": f"# ours\n{sums}".encode()})
    origin = origins.of("s3://models/listed")
    there = origin.files(origin.commit(None))
    assert there[WEIGHTS].etag == hashlib.sha256(files[WEIGHTS]).hexdigest()
    assert "README.md" not in there


def test_what_has_no_hash_is_refused(s3: Store, files: dict[str, bytes]) -> None:
    s3.put("sealed", files, ServerSideEncryption="aws:kms")
    error = refused("s3://models/sealed")
    assert "with the hash ''" in error.found
    assert "SHA256SUMS" in error.hint


@pytest.mark.parametrize(
    ("status", "kind", "found", "hint"),
    [
        ("403", ModelMissing, "may not be read with these credentials", "AWS_PROFILE"),
        ("301", ModelMissing, "lies in eu-north-1", "AWS_REGION"),
        ("503", Offline, "it answered SlowDown", REPO),
    ],
)
def test_a_refusal_says_what_to_do(
    s3: Store, status: str, kind: type[AimError], found: str, hint: str
) -> None:
    s3.before.faults[BUCKET] = Fault(status, times=99)
    error = refused(REPO)
    assert type(error) is kind
    assert found in error.found
    assert hint in error.hint


def test_without_keys_it_is_asked_as_anybody_may(
    s3: Store, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # The store itself refuses what is not for everybody.
    assert "there are no credentials" in refused(REPO).found
    s3.open("for-everybody", files)
    cache.check_reachable("s3://for-everybody/m")


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, "are not whole"),
        ("AWS_PROFILE", "nobodys", "nobodys"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "the connection broke"),
    ],
)
def test_what_is_set_up_wrongly_is_named(
    s3: Store, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, found: str
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    assert found in refused(REPO).found


@pytest.mark.parametrize(
    ("repo", "found"),
    [
        ("s3://nobodys-bucket/x", "no bucket s3://nobodys-bucket"),
        ("s3://models/nothing", "has no files of a model"),
    ],
)
def test_what_is_not_there_is_told(s3: Store, repo: str, found: str) -> None:
    assert found in refused(repo).found


@pytest.mark.parametrize("name", ["s3://", "s3://UPPER/x", "s3://b/x", "s3://models/../x"])
def test_what_is_no_address_is_told(s3: Store, name: str) -> None:
    with pytest.raises(BadUsage, match="no link to a model"):
        resolving.model(name)


def test_without_botocore_the_line_that_brings_it_is_said(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_jupyter.core.cache.origins import s3 as module  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "botocore.config", None)
    module._botocore.cache_clear()
    with pytest.raises(StateUnusable, match="is not installed") as caught:
        cache.check_reachable(REPO)
    assert "aim-jupyter[s3]" in caught.value.hint
    module._botocore.cache_clear()
