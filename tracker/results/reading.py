"""Reads a finished run back from our own JSON or JSON lines (the formats of `tracker.results.json_file`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from models.errors import InputError
from models.files import read_whole
from models.keypoints import KeypointSet, keypoint_set
from tracker.results.json_file import VERSION
from tracker.results.sink import RunInfo
from tracker.types import Frame, FrameResult, Poses
from tracker.video.source import SourceInfo

NO_PICTURE = np.zeros((0, 0, 3), np.uint8)
_WANTED = "give a result file that track_video.py has written with --json or --jsonl"


@dataclass(frozen=True)
class SavedRun:
    """A run as its file tells it.

    Attributes:
        head: everything beside the frames: format, version, video, model, options, summary.
        frames: one record a frame, with "frame", "time" and "people".
    """

    head: dict[str, Any]
    frames: list[dict[str, Any]]

    @property
    def keypoints(self) -> KeypointSet:
        """The keypoints' names and order; raises InputError for a set that is not known."""
        return keypoint_set(self.head["model"]["keypoint_set"])

    def run_info(self) -> RunInfo:
        """The facts that result files of other formats need."""
        video = self.head["video"]
        rate = Fraction(video["frame_rate"])
        source = SourceInfo(
            video["path"], video["width"], video["height"], rate, Fraction(1, 90_000), codec=video["codec"]
        )
        return RunInfo(source, self.keypoints, self.head["options"]["joint_threshold"], self.head["model"])

    def results(self) -> Iterator[FrameResult]:
        """The frames' results, without pictures."""
        k = len(self.keypoints)
        for record in self.frames:
            people = record["people"]
            joints = np.array([p["keypoints"] for p in people], np.float32).reshape(-1, k, 3)
            boxes = np.array([p["box"] for p in people], np.float32).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            poses = Poses(
                joints[..., :2],
                joints[..., 2],
                boxes,
                np.array([p["score"] for p in people], np.float32),
                np.array([p["id"] for p in people], np.int64),
            )
            tentative, carried = (
                np.array([p.get(name, False) for p in people], bool) for name in ("tentative", "carried")
            )
            frame = Frame(record["frame"], Fraction(str(record["time"])), NO_PICTURE)
            yield FrameResult(frame, poses, tentative, carried, False, False, {})


def read_run(path: Path) -> SavedRun:
    """Read a result file; raises InputError for one that is missing or of another kind."""
    data = read_whole(path)
    try:
        run = _read(data)
        run.run_info()
        k = len(run.keypoints)
        for record in run.frames:
            for person in record["people"]:
                if len(person["keypoints"]) != k:
                    raise InputError(f"'{path}': a person of frame {record['frame']} has not {k} keypoints")
        for _ in run.results():  # every number is where it should be
            pass
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"'{path}' is not a result of this program: {_WANTED}") from None
    if not run.frames:
        raise InputError(f"'{path}' has no frames")
    return run


def _read(data: bytes) -> SavedRun:
    first, _, rest = data.partition(b"\n")
    try:
        head = orjson.loads(data)
        frames = head.pop("frames")
    except orjson.JSONDecodeError:  # a line a frame
        head = orjson.loads(first)
        frames = [orjson.loads(line) for line in rest.splitlines() if line.strip()]
    if head["format"] != "simpleposetrack":
        raise KeyError("format")
    if head["version"] > VERSION:
        raise InputError(
            f"the file's format is version {head['version']}; this program reads up to {VERSION}"
        )
    return SavedRun(head, frames)
