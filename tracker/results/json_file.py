"""Our own format: everything that a run knows, as JSON or, a line a frame, as JSON lines.

JSON (`--json`), format version 1::

    {"format": "simpleposetrack", "version": 1,
     "video": {"path", "width", "height",           pixels of upright frames with square pixels
               "frame_rate": "30000/1001",          average, as a fraction
               "duration",                          seconds, or null where the container does not say
               "codec", "audio": ["aac"], "rotation", "pixel_aspect", "start", "end"},
     "model": {"keypoint_set": "coco",
               "keypoints": ["nose", …],            K names: the order of every person's keypoints
               "limbs": [[0, 1], …], …},            pairs of positions in it; name, engine, detector
     "options": {"joint_threshold": 0.4, …},        joints with a lower score are taken as not there
     "frames": [{"frame": 0,                        position in the video, from 0
                 "time": 0.0,                       seconds
                 "people": [{"id": 1,               from 1, kept through the video, never reused
                             "score": 0.97,         of the person, 0 to 1
                             "box": [left, top, width, height],             pixels
                             "keypoints": [[x, y, score], …],               pixels; K of them
                             "tentative": true,     only where so: seen in too few frames to be sure
                             "carried": true}]}],   only where so: not seen, moved on by the Kalman filter
     "summary": {"frames": 205, "ids": 7,
                 "complete": true}}                 false where the run was stopped or failed

There is one object in "frames" for every decoded frame, also where nobody is in it. JSON lines (`--jsonl`)
have a first line {"format", "version", "video", "model", "options"} and then one of those objects a line.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tracker.results.files import RecordFile
from tracker.results.sink import RunInfo, joint_rows, rounded, sizes
from tracker.types import FrameResult
from tracker.video.source import SourceInfo

VERSION = 1


class JsonResults:
    """A JSON file in the format above."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        head = _head(run)[:-1] + b',\n"frames": [\n'
        self._file = RecordFile(path, head, separator=b",\n")
        self._ids: set[int] = set()

    def write(self, result: FrameResult) -> None:
        self._file.append(orjson.dumps(frame_record(result)))
        self._ids.update(result.poses.track_ids.tolist())

    def close(self, complete: bool = True) -> None:
        written = self._file.records

        def tail(frames: int) -> bytes:
            summary = {
                "frames": frames,
                "ids": len(self._ids),
                "complete": complete and frames == written,
            }
            return b'\n],\n"summary": ' + orjson.dumps(summary) + b"}\n"

        self._file.finish(tail)


class JsonLines:
    """A file of JSON lines in the format above."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        self._file = RecordFile(path, _head(run) + b"\n")

    def write(self, result: FrameResult) -> None:
        self._file.append(orjson.dumps(frame_record(result)) + b"\n")

    def close(self, complete: bool = True) -> None:
        self._file.finish()


def frame_record(result: FrameResult) -> dict[str, Any]:
    """One object of "frames"."""
    poses = result.poses
    people = [
        {"id": track_id, "score": score, "box": box, "keypoints": keypoints}
        for track_id, score, box, keypoints in zip(
            poses.track_ids.tolist(),
            rounded(poses.box_scores, 4),
            rounded(sizes(poses.boxes), 2),
            joint_rows(poses.keypoints, poses.scores),
            strict=True,
        )
    ]
    for name in ("tentative", "carried"):
        for i in np.flatnonzero(getattr(result, name)):
            people[i][name] = True
    return {"frame": result.frame.index, "time": round(float(result.frame.time), 6), "people": people}


def _head(run: RunInfo) -> bytes:
    facts = {
        "format": "simpleposetrack",
        "version": VERSION,
        "video": _video_facts(run.source),
        "model": {
            "keypoint_set": run.keypoints.name,
            "keypoints": run.keypoints.names,
            "limbs": run.keypoints.limb_index.tolist(),
            **run.model,
        },
        "options": {"joint_threshold": run.joint_threshold, **run.options},
    }
    # not by orjson: names of files may have bytes that are no text, which become question marks
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _video_facts(source: SourceInfo) -> dict[str, Any]:
    return {
        "path": source.path,
        "width": source.width,
        "height": source.height,
        "frame_rate": _fraction(source.frame_rate),
        "duration": None if source.duration is None else round(float(source.duration), 6),
        "codec": source.codec,
        "audio": source.audio,
        "rotation": source.rotation,
        "pixel_aspect": _fraction(source.pixel_aspect),
        "start": str(source.span.start) if source.span.start else None,
        "end": str(source.span.end) if source.span.end else None,
    }


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
