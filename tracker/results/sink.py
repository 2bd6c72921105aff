"""What every result file has in common: where it comes from, and how it is written."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.keypoints import KeypointSet
from tracker.types import FrameResult
from tracker.video.source import SourceInfo


@dataclass(frozen=True)
class RunInfo:
    """The facts of a run that a result file tells its readers.

    Attributes:
        source: of the video.
        keypoints: that the poses have.
        joint_threshold: joints with a lower score are taken as not there.
        model: facts of the networks, such as name and engine; JSON values.
        options: of the tracker, by name; JSON values.
    """

    source: SourceInfo
    keypoints: KeypointSet
    joint_threshold: float
    model: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


class Sink(Protocol):
    """Takes results frame by frame."""

    def write(self, result: FrameResult) -> None:
        """Append one frame; raises OSError where that fails."""

    def close(self, complete: bool = True) -> None:
        """Finish the file; without frames there is none. `complete`: whether the run came to its end."""


def stem_of(source: str) -> str:
    """What an input's result files are called: its name without ending, or the name of its folder."""
    if "://" in source:
        address = source.partition("://")[2].partition("?")[0]
        return Path(address.partition("/")[2]).stem or "stream"
    path = Path(source)
    if glob.has_magic(source) and not os.path.exists(path):  # Path.exists raises at a name that is too long
        return path.resolve().parent.name or "pictures"
    return path.resolve().name if os.path.isdir(path) else path.stem


def sizes(boxes: NDArray) -> NDArray:
    """(N, 4) left, top, right, bottom → left, top, width, height."""
    return np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)


def rounded(values: NDArray, digits: int) -> list:
    """Nested lists of plain numbers with that many digits: what an array is in JSON."""
    return np.round(values.astype(np.float64), digits).tolist()


def joint_rows(points: NDArray, third: NDArray) -> list[list[list[float]]]:
    """(N, K, 2) pixels and (N, K) numbers as N lists of K lists x, y, number; whole numbers stay whole."""
    places = np.round(points.astype(np.float64), 2).tolist()
    numbers = third.tolist() if third.dtype.kind == "i" else rounded(third, 4)
    return [
        [[x, y, value] for (x, y), value in zip(joints, values, strict=True)]
        for joints, values in zip(places, numbers, strict=True)
    ]
