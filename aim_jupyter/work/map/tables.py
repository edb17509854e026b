"""Tables of any library, and files, as rows; and back, with columns added, as what they were.

A frame comes back as its own kind, in its order, with its index; a file is read twice and written
as it is read, so that a million rows take no more memory than one.
"""

from __future__ import annotations

import csv
import importlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work.map.schemas import Kind

#: Rows of a group of a parquet file.
_GROUP = 8192
Kinds = Mapping[str, Kind]
#: What a nullable column of each library is called.
_PANDAS = {
    "string": "string",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "object": "object",
}
_POLARS = {"string": "String", "integer": "Int64", "number": "Float64", "boolean": "Boolean"}
_ARROW = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool_"}


@runtime_checkable
class Table(Protocol):
    """Rows in, rows with more columns out."""

    columns: tuple[str, ...]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows by column."""

    def joined(self, kinds: Kinds, rows: Iterable[Sequence[Any]], record: dict[str, Any]) -> Any:
        """Return the table with columns of these `kinds`, whose values come row by row."""


class Frame:
    """A pandas, polars or pyarrow table."""

    def __init__(self, native: Any) -> None:
        import narwhals as nw  # noqa: PLC0415 - 30 ms, for a frame only

        self._native = native
        try:
            self._frame = nw.from_native(native, eager_only=True)
            self._names = list(self._frame.columns)
        except Exception as error:
            # Each library has errors of its own for the same few things.
            raise BadUsage(
                f"That is no table that can be mapped: {str(error).splitlines()[0]}",
                "give a pandas, polars or pyarrow table with unique columns, or a list of dicts",
            ) from error
        self.columns = tuple(map(str, self._names))
        self._library: Any = self._frame.__native_namespace__()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows by column, names as text."""
        for row in self._frame.iter_rows(named=False):
            yield dict(zip(self.columns, row, strict=True))

    def joined(self, kinds: Kinds, rows: Iterable[Sequence[Any]], record: dict[str, Any]) -> Any:
        """Return the same kind; pandas keeps `record` in ``attrs``, pyarrow in its metadata."""
        columns: dict[str, list[Any]] = {name: [] for name in kinds}
        for row in rows:
            for name, value in zip(kinds, row, strict=True):
                columns[name].append(value)
        name = self._library.__name__
        if name == "polars":
            return self._native.with_columns(
                [self._series(name, kinds[name], values) for name, values in columns.items()]
            )
        if name == "pyarrow":
            return self._arrow(kinds, columns, record)
        out = self._native.copy()
        for each, values in columns.items():
            kind = _PANDAS[kinds[each]]
            # One object a cell, also where these are lists.
            out[each] = self._library.Series(values, index=out.index, dtype=kind)
        out.attrs["aim"] = record
        return out

    def _series(self, name: str, kind: Kind, values: list[Any]) -> Any:
        if kind == "object":
            return self._library.Series(name, _plain(values), strict=False)
        return self._library.Series(name, values, dtype=getattr(self._library, _POLARS[kind]))

    def _arrow(self, kinds: Kinds, columns: dict[str, list[Any]], record: dict[str, Any]) -> Any:
        table = self._native
        for name, values in columns.items():
            kind = kinds[name]
            of = None if kind == "object" else getattr(self._library, _ARROW[kind])()
            kept = _plain(values) if kind == "object" else values
            table = table.append_column(name, self._library.array(kept, type=of))
        about = {b"aim": msgspec.json.encode(record)}
        return table.replace_schema_metadata({**(table.schema.metadata or {}), **about})


class Dicts:
    """A list of dicts; a key that one of them lacks is missing there."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        if not all(isinstance(row, Mapping) for row in rows):
            raise BadUsage("That is no list of dicts.", "give rows as [{'text': …}, …]")
        self._rows = rows
        self.columns = tuple(dict.fromkeys(str(name) for row in rows for name in row))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows by column."""
        empty = dict.fromkeys(self.columns)
        for row in self._rows:
            yield {**empty, **row}

    def joined(self, kinds: Kinds, rows: Iterable[Sequence[Any]], record: dict[str, Any]) -> Any:  # noqa: ARG002 - a list has no place for it
        """Return a list of new dicts."""
        return [
            {**row, **dict(zip(kinds, added, strict=True))}
            for row, added in zip(self._rows, rows, strict=True)
        ]


class File:
    """A CSV, JSON lines or parquet file, and the file that is written from it.

    Raises
    ------
    BadUsage
        If it is of another kind, or can't be read.
    """

    def __init__(self, path: Path, out: Path | None = None) -> None:
        self.path, self._out = path, out or path
        for each in (self.path, self._out):
            if each.suffix not in _READ:
                raise BadUsage(
                    f"{each.name} is of no kind that is read or written.",
                    f"give it one of these endings: {', '.join(_READ)}",
                )
        first = next(self.rows(), None)
        self.columns = tuple(first or {})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows by column; those of a CSV file are text."""
        try:
            yield from _READ[self.path.suffix](self.path)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise BadUsage(f"{self.path} can't be read: {error}.", "look at the file") from error

    def joined(self, kinds: Kinds, rows: Iterable[Sequence[Any]], record: dict[str, Any]) -> Path:
        """Write the file and return its path."""
        beside = self._out.with_name(f".{self._out.name}")
        merged = (
            {**row, **dict(zip(kinds, added, strict=True))}
            for row, added in zip(self.rows(), rows, strict=True)
        )
        _WRITE[self._out.suffix](beside, merged, [*self.columns, *kinds], kinds, record)
        return beside.replace(self._out)


def table(given: Any) -> Table:
    """Return a table for what a user has given.

    Raises
    ------
    BadUsage
        If it is none.
    """
    if isinstance(given, Table):
        return given
    if isinstance(given, list | tuple):
        return Dicts(given)
    if isinstance(given, str | Path):
        return File(Path(given))
    return Frame(given)


def _plain(values: list[Any]) -> list[Any]:
    """Return values of any shape as what a column of one type can hold: numbers, else JSON."""
    if all(value is None or (isinstance(value, list) and _numbers(value)) for value in values):
        return values
    return [None if value is None else msgspec.json.encode(value).decode() for value in values]


def _numbers(value: list[Any]) -> bool:
    return all(isinstance(each, float) for each in value)


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield msgspec.json.decode(line, type=dict[str, Any])


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    with _parquet().ParquetFile(path) as file:
        for batch in file.iter_batches(1024):
            yield from batch.to_pylist()


def _write_csv(
    path: Path, rows: Iterable[Any], names: list[str], kinds: Kinds, _: dict[str, Any]
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            for name, kind in kinds.items():
                if kind == "object" and row[name] is not None:
                    row[name] = msgspec.json.encode(row[name]).decode()
            writer.writerow(row)


def _write_jsonl(
    path: Path, rows: Iterable[Any], _: list[str], __: Kinds, ___: dict[str, Any]
) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")


def _write_parquet(
    path: Path, rows: Iterable[Any], names: list[str], kinds: Kinds, record: dict[str, Any]
) -> None:
    library = _parquet()
    arrow: Any = importlib.import_module("pyarrow")
    writer = None
    for chunk in _groups(rows):
        columns = {}
        for name in names:
            values = [row[name] for row in chunk]
            kind = kinds.get(name, "object")
            known = getattr(arrow, _ARROW[kind])() if kind in _ARROW else None
            plain = _plain(values) if name in kinds and kind == "object" else values
            columns[name] = arrow.array(plain, type=known)
        made = arrow.table(columns)
        if writer is None:
            about = {b"aim": msgspec.json.encode(record)}
            writer = library.ParquetWriter(path, made.schema.with_metadata(about))
        writer.write_table(made.cast(writer.schema))
    if writer is not None:
        writer.close()


def _groups(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield rows by as many as a group of parquet has, at least one group."""
    found = iter(rows)
    yield list(itertools.islice(found, _GROUP))
    while chunk := list(itertools.islice(found, _GROUP)):
        yield chunk


def _parquet() -> Any:
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadUsage("Parquet files need pyarrow.", "pip install pyarrow") from error


_READ = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
_WRITE = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}
