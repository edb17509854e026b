"""The rows of a run on disk: what is asked, and what came of it.

SQLite, because it comes with Python and one file holds rows, answers and their order: measured
on two busy cores, 8,000 to 18,000 answers a second in flushed commits of a hundred, where parts of
parquet take 15,000 to 17,000 in as many files and find no row by its key. A killed process costs
what was not committed. Write-ahead where the disk is this machine's own; on a network's, where
that can't work, with a rollback journal.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.work.records import Answer

#: Rows that are asked before all others, and shown.
FIRST = 20
_CHUNK = 512
#: Letters of what is asked that rows are brought together by: an engine keeps the work of a
#: beginning that several share.
_SHARED = 1024

_TABLES = """
CREATE TABLE IF NOT EXISTS items(position INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS items_by_key ON items(key);
CREATE TABLE IF NOT EXISTS asks(key BLOB PRIMARY KEY, place INTEGER, body BLOB, problem TEXT);
CREATE TABLE IF NOT EXISTS answers(
    key BLOB PRIMARY KEY, value, cause TEXT, error TEXT, tokens_in INTEGER, tokens_out INTEGER,
    ms REAL, asks INTEGER);
"""


class Item(NamedTuple):
    """One thing to ask: its name, and the JSON of what is asked.

    A `problem` is why it can't be asked at all; `first` and `times` say in which rows it stands.
    """

    key: bytes
    body: bytes
    problem: str = ""
    first: int = 0
    times: int = 1


class Counts(NamedTuple):
    """Rows, not questions: those that are the same count each."""

    rows: int
    done: int
    failed: int
    tokens_in: int
    tokens_out: int


class Store:
    """The rows of one run. One process writes at a time: whoever holds the run's lock.

    Parameters
    ----------
    path : Path
    journal : str
        ``WAL``, or ``TRUNCATE`` where other processes' memory can't be shared.

    Raises
    ------
    StateUnusable
        If it can't be opened.
    """

    def __init__(self, path: Path, journal: str = "WAL") -> None:
        self.path = path
        try:
            # The thread that asks is another one than the cell's; only one of them is at work.
            self._db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            self._db.execute(f"PRAGMA journal_mode={journal}")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_TABLES)
        except sqlite3.Error as error:
            raise StateUnusable(f"{path}: {error}.", "%aim runs") from error
        if path.exists():
            path.chmod(0o600)

    def close(self) -> None:
        """Leave the file."""
        self._db.close()

    def put(self, items: Iterable[Item]) -> None:
        """Make these the rows of the run, in their order; answers of before stay."""
        with self._db:
            self._db.execute("DELETE FROM items")
            for chunk in _chunks(enumerate(items)):
                self._db.executemany(
                    "INSERT INTO items VALUES(?, ?)", ((at, item.key) for at, item in chunk)
                )
                self._db.executemany(
                    "INSERT OR IGNORE INTO asks VALUES(?, ?, ?, ?)",
                    ((item.key, _place(item.body), item.body, item.problem) for _, item in chunk),
                )

    def pending(self) -> Iterator[Item]:
        """Yield what was not answered yet: the first rows, then those that begin alike together.

        Their order has nothing to do with how long they take: what is left takes as long as what
        is done.
        """
        with self._db:
            self._db.execute("DROP TABLE IF EXISTS temp.todo")
            self._db.execute(
                "CREATE TEMP TABLE todo AS SELECT key, first, times FROM (SELECT key,"
                " MIN(position) AS first, COUNT(*) AS times FROM items"
                " WHERE key NOT IN (SELECT key FROM answers) GROUP BY key) JOIN asks USING(key)"
                " ORDER BY first >= :first, CASE WHEN first < :first THEN first END, place, key",
                {"first": FIRST},
            )
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT todo.rowid, key, body, problem, first, times FROM todo JOIN asks"
                " USING(key) WHERE todo.rowid > ? ORDER BY todo.rowid LIMIT ?",
                (last, _CHUNK),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (Item(*facts) for _, *facts in rows)

    def keep(self, answers: Iterable[tuple[bytes, Answer]]) -> None:
        """Write answers down: when this returns, they are on the disk."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO answers VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(key, answer.value, answer.cause, answer.error, answer.tokens_in),
                        *(answer.tokens_out, answer.ms, answer.asks),
                    )
                    for key, answer in answers
                ),
            )

    def forget_failed(self) -> None:
        """Take back what failed, so that it is asked again."""
        with self._db:
            self._db.execute(
                "DELETE FROM answers WHERE cause != '' AND key IN (SELECT key FROM items)"
            )

    def results(self) -> Iterator[Answer | None]:
        """Yield what became of each row in its order; None of one that was not asked."""
        for *facts, asks in self._db.execute(
            "SELECT value, cause, error, tokens_in, tokens_out, ms, asks FROM items"
            " LEFT JOIN answers USING(key) ORDER BY position"
        ):
            if asks is None:
                yield None
                continue
            value, cause, error, tokens_in, tokens_out, ms = facts
            yield Answer(
                value=value,
                cause=cause,
                error=error,
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                ms=ms,
                asks=asks,
            )

    def answered(self, count: int) -> list[tuple[Item, Answer]]:
        """Return some questions that were answered well, with their answers; always the same ones.

        Their order has nothing to do with that of the rows.
        """
        rows = self._db.execute(
            "SELECT key, body, MIN(position), value, tokens_out FROM items JOIN asks USING(key)"
            " JOIN answers USING(key) WHERE cause = '' GROUP BY key ORDER BY key LIMIT ?",
            (count,),
        )
        return [
            (Item(key, body, first=first), Answer(value=value, tokens_out=tokens))
            for key, body, first, value, tokens in rows
        ]

    def counts(self) -> Counts:
        """Return how many rows there are, and what became of them."""
        found = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(cause = ''), 0), COALESCE(SUM(cause != ''), 0),"
            " COALESCE(SUM(tokens_in), 0), COALESCE(SUM(tokens_out), 0)"
            " FROM items LEFT JOIN answers USING(key)"
        ).fetchone()
        return Counts(*found)

    def causes(self) -> dict[str, int]:
        """Return the failed rows by cause, most first."""
        return dict(
            self._db.execute(
                "SELECT cause, COUNT(*) FROM items JOIN answers USING(key) WHERE cause != ''"
                " GROUP BY cause ORDER BY COUNT(*) DESC, cause"
            )
        )


def key_of(body: bytes) -> bytes:
    """Return the name of what is asked: the same for the same."""
    return hashlib.blake2b(body, digest_size=16).digest()


def _place(body: bytes) -> int:
    """Return a number that those have in common that begin alike."""
    return int.from_bytes(hashlib.blake2b(body[:_SHARED], digest_size=6).digest(), "big")


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk
