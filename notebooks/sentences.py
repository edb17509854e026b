"""Sentences that people have rated: from the source package of vaderSentiment (MIT).

The wheel lacks them; the source package comes from the package index that pip knows.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd

PACKAGE = "vaderSentiment"
VERSION = "3.3.2"
KEPT = Path.home() / ".cache" / "aim_jupyter" / "sentences"
#: A mean rating nearer to 0 than this is neither.
CLEAR = 0.5


def sentences(count: int) -> pd.DataFrame:
    """Return `count` tweets with their mean rating and its label."""
    rows = [line.split("\t") for line in _text().splitlines()]
    table = pd.DataFrame(
        {"text": [row[2] for row in rows], "rating": [float(row[1]) for row in rows]}
    )
    clear = table[table.rating.abs() >= CLEAR].sample(count, random_state=0).reset_index(drop=True)
    clear["label"] = clear.rating.gt(0).map({True: "positive", False: "negative"})
    return clear


def _text() -> str:
    name = f"{PACKAGE}-{VERSION}"
    archive = KEPT / f"{name}.tar.gz"
    if not archive.exists():
        told = ["--no-deps", "--no-binary", PACKAGE, "-d", KEPT, f"{PACKAGE}=={VERSION}"]
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", *told], check=True)
    with tarfile.open(archive) as package:
        folder = f"{name}/additional_resources/hutto_ICWSM_2014.tar.gz"
        inner = package.extractfile(folder)
        assert inner is not None, folder
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as data:
            tweets = data.extractfile("hutto_ICWSM_2014/tweets_GroundTruth.txt")
            assert tweets is not None
            return tweets.read().decode("utf-8", "replace")
