"""Files that appear under their name only when whole, and stay whole when the disk fills up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


class PartFile:
    """A hidden name beside the target, which the finished file leaves by being renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")

    def finish(self) -> None:
        os.replace(self.part, self.path)

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)


class RecordFile:
    """A file of a head, records and a tail. If the disk fills up, it is cut back until the tail fits.

    Args:
        path: where the finished file shall be.
        head: written first.
        separator: written between two records.
    """

    def __init__(self, path: Path, head: bytes = b"", separator: bytes = b"") -> None:
        self._file = PartFile(path)
        self._handle = self._file.part.open("wb", buffering=0)
        self._separator = separator
        self._ends = [0]  # where the head and each of the records end: 8 bytes a record
        try:
            self._write(head)
        except OSError:
            self._discard()
            raise
        self._ends = [len(head)]

    @property
    def records(self) -> int:
        """Number of records written so far."""
        return len(self._ends) - 1

    def append(self, record: bytes) -> None:
        """Write one record whole, or not at all and raise OSError."""
        data = (self._separator if self.records else b"") + record
        self._write(data)
        self._ends.append(self._ends[-1] + len(data))

    def finish(self, tail: Callable[[int], bytes] = lambda _: b"") -> None:
        """Write the tail, which is told how many records are in the file, and give the file its name.

        Without any record there is no file. Raises OSError where not even the head and the tail find room.
        """
        if not self.records:
            self._discard()
            return
        with self._handle:
            while True:
                self._cut(self._ends[-1])
                try:
                    self._write(tail(self.records))
                    break
                except OSError:
                    if not self.records:
                        self._file.discard()
                        raise
                    self._ends.pop()
        self._file.finish()

    def _discard(self) -> None:
        self._handle.close()
        self._file.discard()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._handle.write(rest) :]
        except OSError as error:
            self._cut(self._ends[-1])
            raise OSError(error.errno, error.strerror, str(self._file.path)) from None

    def _cut(self, size: int) -> None:
        self._handle.truncate(size)
        self._handle.seek(size)
