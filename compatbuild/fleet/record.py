"""The file of results: rows are appended as they come, and a run that was killed goes on where it was.

A row is written by one call and a torn last line is dropped when the file is opened again, so that a kill at any
moment loses no row that was written before. When a run is through, the file is put in order in one step: one row an
image, sorted, the last one written of each.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from compatbuild.errors import FleetError, NotFoundError
from compatbuild.fleet.rows import MAX_LINE, Header, Row, parse_header, parse_row, to_line

PIECE = 1 << 16
"""Bytes read at a time where a row is looked up."""
SYNC_SECONDS = 5.0
"""At least so often rows reach the disk, and not only the operating system's memory: what a power cut may cost."""


class Record:
    """An open file of results, for one run only."""

    def __init__(self, file: BinaryIO, path: Path, header: Header) -> None:
        self._file = file
        self.path = path
        self.header = header
        self.places: dict[str, int] = {}  # key to the offset of its last row
        self._synced = time.monotonic()

    @classmethod
    def open(cls, path: Path, header: Header) -> Self:
        """Open a record to go on with, or begin one.

        FleetError when another run writes it, when it is about something else, or when it is no record.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise _unwritable(path, error) from error
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise FleetError(
                f"another run writes {path}",
                why="the file is locked",
                remedy="wait for it, or name another file with --results",
            ) from error
        record = cls(file, path, header)
        try:
            record._continue()
        except BaseException:
            file.close()
            raise
        return record

    def write(self, row: Row) -> None:
        """Append a row; FleetError when there is no room."""
        self.places[row.key] = self._append(to_line(row))

    def row(self, key: str) -> Row:
        """Return the last row of a key."""
        return parse_row(self._line_at(self.places[key]), str(self.path), 0)

    def finish(self, rows: Iterable[Row]) -> None:
        """Put these rows in place of all that was written, in one step; they may be read from the file meanwhile."""
        directory = self.path.parent
        try:
            with tempfile.NamedTemporaryFile(dir=directory, prefix=f".{self.path.name}.", delete=False) as temporary:
                try:
                    temporary.write(to_line(self.header))
                    for row in rows:
                        temporary.write(to_line(row))
                    temporary.flush()
                    os.fsync(temporary.fileno())
                    Path(temporary.name).chmod(os.fstat(self._file.fileno()).st_mode & 0o777)
                    Path(temporary.name).replace(self.path)
                except BaseException:
                    with suppress(OSError):
                        Path(temporary.name).unlink()
                    raise
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _continue(self) -> None:
        """Read what is there, drop a torn last line, and begin where there is nothing."""
        end = 0
        with os.fdopen(os.dup(self._file.fileno()), "rb") as reading:
            for number, (offset, line) in enumerate(_lines(reading, str(self.path)), 1):
                if not line.endswith(b"\n"):
                    break
                if number == 1:
                    self._compare(parse_header(line, str(self.path)))
                else:
                    self.places[parse_row(line, str(self.path), number).key] = offset
                end = offset + len(line)
        os.ftruncate(self._file.fileno(), end)
        if not end:
            self._append(to_line(self.header))

    def _compare(self, there: Header) -> None:
        if there.asked == self.header.asked:
            return
        ours, theirs = self.header, there
        told = [
            f"{name} {theirs.options.get(name, '')!r} there, {value!r} now"
            for name, value in ours.options.items()
            if theirs.options.get(name, "") != value
        ]
        if theirs.version != ours.version or theirs.knowledge != ours.knowledge:
            told.append(f"compatbuild {theirs.version} ({theirs.knowledge}) there")
        if theirs.hosts != ours.hosts:
            told.append(f"{len(theirs.hosts)} hosts there, {len(ours.hosts)} now, and not the same")
        raise FleetError(
            f"{self.path} is the record of another run",
            why="; ".join(told) or "what is known of the hosts has changed",
            remedy="name another file with --results, or delete this one",
        )

    def _append(self, line: bytes) -> int:
        offset = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
            if time.monotonic() > self._synced + SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), offset)
            raise _unwritable(self.path, error) from error
        return offset

    def _line_at(self, offset: int) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n") and (data := os.pread(self._file.fileno(), PIECE, offset + len(line))):
            line += data.partition(b"\n")[0] + (b"\n" if b"\n" in data else b"")
        return bytes(line)


def read_header(path: Path) -> Header:
    """Return the header of a finished or unfinished record."""
    with _opened(path) as file:
        return parse_header(_line(file), str(path))


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a record, in their order, the last one of each image; a torn last line is left out.

    FleetError when it is no record. Rows are read one at a time.
    """
    with _opened(path) as file:
        last: dict[str, int] = {}
        for number, (offset, line) in enumerate(_lines(file, str(path)), 1):
            if number > 1 and line.endswith(b"\n"):
                last[parse_row(line, str(path), number).key] = offset
            elif number == 1:
                parse_header(line, str(path))
        for offset in last.values():
            file.seek(offset)
            yield parse_row(_line(file), str(path), 0)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise FleetError(f"cannot read {path}", why=why, remedy="name a readable file") from error


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its offset; the last one may lack its end."""
    offset = 0
    number = 0
    while line := _line(file):
        number += 1
        if len(line) > MAX_LINE:
            raise FleetError(f"line {number} of {name} is too long", why=f"it has more than {MAX_LINE:,} bytes")
        yield offset, line
        offset += len(line)


def _line(file: BinaryIO) -> bytes:
    return file.readline(MAX_LINE + 1)


def _unwritable(path: Path, error: OSError) -> FleetError:
    return FleetError(
        f"cannot write {path}",
        why=error.strerror or str(error),
        remedy="make room, or name a file with --results in a directory that you may write to; then run it again",
    )
