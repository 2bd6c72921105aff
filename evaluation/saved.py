"""Poses found so far, kept on disk so that a long run can be stopped and taken up again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO

import numpy as np
import orjson
from numpy.typing import NDArray

from models.download import digest_of
from models.errors import InputError


def digest_or_name(name: str) -> str:
    """What tells a file from another of the same name: its digest; the name itself where it is no file."""
    path = Path(name)
    if not path.is_file():
        return name
    weights = [path.with_suffix(".bin")] if path.suffix == ".xml" else []  # an OpenVINO model has two files
    digests = [digest_of(file)[:16] for file in (path, *weights) if file.is_file()]
    return " ".join((path.name, *digests))


class SavedPoses:
    """A context manager that takes poses as they are found; with a path, each batch is on disk at once.

    Beside ``path`` lies ``path.part`` with a line of JSON for every batch until the run is complete; a run
    that finds it goes on from there.

    Args:
        path: where the finished predictions will be, or None to keep nothing.
        settings: whatever changes the poses; a file made with other settings is refused.
        count: how many poses there will be.
        keypoints: K.

    Attributes:
        poses: (count, K, 3) float32 x, y, score; NaN where not found yet.
    """

    def __init__(self, path: Path | None, settings: object, count: int, keypoints: int) -> None:
        self.poses = np.full((count, keypoints, 3), np.nan, np.float32)
        self._path = None if path is None else path.with_name(path.name + ".part")
        self._key = hashlib.sha256(orjson.dumps(settings)).hexdigest()[:16]
        self._file: IO[bytes] | None = None

    def __enter__(self) -> SavedPoses:
        if self._path is not None:
            if self._path.exists():
                self._resume(self._path)
                self._file = self._path.open("ab")
            else:
                self._file = self._path.open("wb")
                self._write({"settings": self._key})
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def missing(self) -> NDArray[np.intp]:
        """Positions of poses that are not found yet."""
        return np.flatnonzero(np.isnan(self.poses[:, 0, 0]))

    def add(self, positions: NDArray[np.intp], poses: NDArray[np.float32]) -> None:
        """Keep (n, K, 3) poses under their positions."""
        self.poses[positions] = poses
        self._write({"positions": positions.tolist(), "poses": poses.tolist()})

    def discard(self) -> None:
        """Remove the unfinished file: the predictions are complete elsewhere."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, row: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(row) + b"\n")
            self._file.flush()

    def _resume(self, path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        whole, torn = lines[:-1], lines[-1]
        try:
            head, *rows = [orjson.loads(line) for line in whole]
            same = head["settings"] == self._key
            for row in rows if same else ():
                self.poses[row["positions"]] = row["poses"]
        except (ValueError, KeyError, TypeError, IndexError):
            raise InputError(f"'{path}' is damaged: remove it to start again") from None
        if not same:
            raise InputError(f"'{path}' is of other settings or data: remove it, or --save elsewhere")
        if torn:  # the run was stopped while it wrote this line
            path.write_bytes(b"".join(line + b"\n" for line in whole))
