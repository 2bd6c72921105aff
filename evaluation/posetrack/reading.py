"""Reads one PoseTrack18 or PoseTrack21 file into arrays."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evaluation.posetrack.joints import JOINTS, SCORED
from evaluation.posetrack.protocol import Protocol
from evaluation.posetrack.sequences import People, Polygon, PoseSequence
from models.conversion import convert_keypoints, inferred_keypoints
from models.errors import InputError
from models.files import read_whole
from models.keypoints import KeypointSet, plain_set

MISSING_SCORE = -9999.0
TRACK_ID_LIMIT = 10_000
_OFFICIAL_NAME = re.compile(r"(?:^|/)(\d+)_(?:mpii|bonn|mpiinew)_[^/]+/\d+\.[^/]+$")

Json = dict[str, Any]


def read_json(path: Path) -> Json:
    """The object in a JSON file; raises InputError naming the file, and the line where it is malformed."""
    text = read_whole(path)
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            content = json.loads(text)  # takes NaN, so that the person who has it can be named
        except ValueError:
            raise InputError(f"{path}, line {error.lineno}: malformed JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected an object with 'images'")
    return content


def parse_posetrack(
    content: Json,
    path: Path,
    protocol: Protocol,
    *,
    name: str,
    ground_truth: bool,
    tracking: bool = True,
    official_names: bool = True,
) -> PoseSequence:
    """One sequence in the form of PoseTrack18 (15 or 17 keypoints) or PoseTrack21.

    Args:
        content: the parsed file.
        path: where it lies, for messages.
        protocol: how closely names and ids must follow the official scheme.
        name: the sequence's name.
        ground_truth: annotations, whose head boxes and ignore regions are read.
        tracking: persons need a ``track_id``.
        official_names: images must be named as PoseTrack18 names them.

    Raises:
        InputError: naming the file, and the frame where there is one.
    """
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            raise InputError(f"{path}: no list '{key}': expected PoseTrack's images, annotations, categories")
    images, notes = _images(content["images"], path, official_names)
    names = _keypoint_names(content["categories"], path, protocol)
    frame_of = {image["id"]: frame for frame, image in enumerate(images)}
    if len(frame_of) != len(images):
        raise InputError(f"{path}: two images have the same id")
    annotations = content["annotations"]
    frames = np.array([frame_of.get(a.get("image_id"), -1) for a in annotations], np.int64)
    if (frames < 0).any():
        stray = int((frames < 0).sum())
        if not protocol.official_files:
            unknown = annotations[int(np.argmin(frames))].get("image_id")
            raise InputError(f"{path}: {stray} persons belong to no image (image_id {unknown})")
        notes.append(f"{path.name}: {stray} persons belong to no counted image and are left out")
    annotated = np.zeros(len(images), bool)
    annotated[frames[frames >= 0]] = True
    # a person without a list of points keeps the frame, and is nobody otherwise
    listed = np.array([a.get("keypoints") != [] for a in annotations], bool)
    order = np.argsort(frames, kind="stable")
    order = order[(frames >= 0)[order] & listed[order]]
    persons = _Persons(path, [annotations[i] for i in order], frames[order], images)
    people, more = persons.read(names, head_boxes=ground_truth, tracking=tracking)
    if tracking:
        more += persons.check_track_ids(people.track_ids, protocol, ground_truth)
    return PoseSequence(
        name=name,
        file_names=tuple(str(image.get("file_name", image["id"])) for image in images),
        frame_ids=tuple(image["id"] for image in images),
        labelled=np.array([bool(image.get("is_labeled", True)) for image in images], bool),
        annotated=annotated,
        people=people,
        ignore_regions=_ignore_regions(images, path) if ground_truth else {},
        notes=tuple(notes + [f"{path.name}: {note}" for note in more]),
    )


def check_mapping(source: KeypointSet, path: Path) -> tuple[str, ...]:
    """The scored joints that have to be inferred; raises InputError where some cannot be had at all."""
    inferred = inferred_keypoints(source, SCORED)
    lacking = {JOINTS[i] for i in np.flatnonzero(SCORED.positions_in(source) < 0)}
    missing = sorted(lacking - set(inferred))
    if missing:
        raise InputError(f"{path}: keypoints do not map to PoseTrack's: no {', '.join(missing)}")
    return inferred


def _images(images: list[Json], path: Path, official: bool) -> tuple[list[Json], list[str]]:
    """The images that count: officially only those of the first video, under official names."""
    for position, image in enumerate(images):
        if not isinstance(image, dict) or not isinstance(image.get("id"), int | str):
            raise InputError(f"{path}, image {position}: no 'id'")
    if not official or not images:
        return images, []
    videos = []
    for image in images:
        match = _OFFICIAL_NAME.search(str(image.get("file_name", "")))
        if match is None:
            raise InputError(
                f"{path}, frame {image['id']}: file name '{image.get('file_name')}' is not PoseTrack's "
                "(…/000001_mpii_test/000000.jpg), which poseval needs; --protocol strict takes any name"
            )
        videos.append(match[1])
    kept = [image for image, video in zip(images, videos, strict=True) if video == videos[0]]
    if len(kept) == len(images):
        return images, []
    return kept, [f"{path.name}: only its first sequence counts, {len(images) - len(kept)} images left out"]


def _keypoint_names(categories: list[Json], path: Path, protocol: Protocol) -> tuple[str, ...]:
    """The keypoint names of the file's one category, person."""
    people = [c for c in categories if isinstance(c, dict) and c.get("name") == "person"]
    if len(people) != 1 or (protocol.official_files and len(categories) != 1):
        found = ", ".join(str(c.get("name")) if isinstance(c, dict) else str(c) for c in categories)
        raise InputError(f"{path}: categories must hold one entry named person (found: {found or 'none'})")
    names = tuple(people[0].get("keypoints") or ())
    if protocol.official_files:
        missing = sorted(set(JOINTS) - set(names))
        if missing or len(names) not in (15, 17):
            problem = (
                f"lacks {', '.join(missing)}" if missing else f"has {len(names)} keypoints, not 15 or 17"
            )
            raise InputError(f"{path}: category person {problem}; --protocol strict converts other keypoints")
    return names


def _ignore_regions(images: list[Json], path: Path) -> dict[int, list[Polygon]]:
    regions = {}
    for frame, image in enumerate(images):
        xs, ys = image.get("ignore_regions_x"), image.get("ignore_regions_y")
        if not xs or not ys:
            continue
        try:
            polygons = [
                np.array([x, y], np.float64).T for x, y in zip(xs, ys, strict=False) if len(x) or len(y)
            ]
        except (ValueError, TypeError):
            raise InputError(
                f"{path}, frame {image['id']}: an ignore region's x and y do not match"
            ) from None
        for polygon in polygons:
            if polygon.ndim != 2 or len(polygon) < 3 or not np.isfinite(polygon).all():
                raise InputError(f"{path}, frame {image['id']}: an ignore region needs three finite corners")
        if polygons:
            regions[frame] = polygons
    return regions


@dataclass(frozen=True)
class _Persons:
    """The annotations of a file in the order of their frames, on the way to arrays."""

    path: Path
    annotations: list[Json]
    frames: NDArray[np.int64]
    images: list[Json]

    def where(self, person: int) -> str:
        image = self.images[self.frames[person]]
        return f"{self.path}, frame {image.get('file_name', image['id'])}, person {self._rank(person)}"

    def _rank(self, person: int) -> int:
        """Position of a person within the frame, from 1."""
        return person - int(np.searchsorted(self.frames, self.frames[person])) + 1

    def read(self, names: tuple[str, ...], *, head_boxes: bool, tracking: bool) -> tuple[People, list[str]]:
        """The people as arrays, and notes about what had to be inferred."""
        source = plain_set("file", names)
        positions = SCORED.positions_in(source)
        values = self._numbers("keypoints", 3 * len(names)).reshape(-1, len(names), 3)
        points, present = values[:, :, :2], (values != 0).any(2)
        scores, notes = self._scores(present, head_boxes)
        people = People(
            frames=self.frames,
            track_ids=self._track_ids() if tracking else np.arange(len(self.frames)),
            keypoints=points[:, positions],
            present=present[:, positions],
            scores=scores[:, positions],
            head_sizes=self._head_sizes() if head_boxes else np.full(len(self.frames), np.nan),
            heights=self._heights(points, present),
            box_scores=self._box_scores(),
        )
        lacking = positions < 0
        if lacking.any():
            notes.append(self._infer(people, lacking, points, present, scores, source))
        return people, notes

    def _infer(
        self,
        people: People,
        lacking: NDArray[np.bool_],
        points: NDArray[np.float64],
        present: NDArray[np.bool_],
        scores: NDArray[np.float64],
        source: KeypointSet,
    ) -> str:
        """Fill the joints that the file lacks in place, and say so."""
        inferred = check_mapping(source, self.path)
        places, known = convert_keypoints(points, present.astype(np.float64), source, SCORED)
        _, confidences = convert_keypoints(points, np.where(present, scores, 0), source, SCORED)
        people.keypoints[:, lacking] = places[:, lacking]
        people.present[:, lacking] = known[:, lacking] > 0
        people.scores[:, lacking] = confidences[:, lacking]
        return f"{' and '.join(inferred)} inferred from the joints around"

    def _numbers(self, key: str, length: int, needed: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """(P, length) the list of numbers that every person has under a key.

        What is no finite number becomes 0 where none is ``needed``, (P, length); by default all are.
        """
        try:
            values = np.array([a[key] for a in self.annotations], np.float64).reshape(-1, length)
        except (KeyError, ValueError, TypeError):
            values = np.zeros((0, length))
        if len(values) == len(self.annotations) and np.isfinite(values).all():
            return values
        if needed is None:
            needed = np.ones((len(self.annotations), length), bool)
        rows = []
        for person, annotation in enumerate(self.annotations):
            given = annotation.get(key)
            if not isinstance(given, list) or len(given) != length:
                size = f"{len(given)} numbers" if isinstance(given, list) else "none"
                raise InputError(f"{self.where(person)}: '{key}' must hold {length} numbers, found {size}")
            finite = [isinstance(v, int | float) and math.isfinite(v) for v in given]
            if not np.all(finite | ~needed[person]):
                raise InputError(f"{self.where(person)}: '{key}' holds a value that is not a finite number")
            rows.append([v if sound else 0 for v, sound in zip(given, finite, strict=True)])
        return np.array(rows, np.float64)

    def _scores(
        self, present: NDArray[np.bool_], ground_truth: bool
    ) -> tuple[NDArray[np.float64], list[str]]:
        """(P, J) joint scores; a person without any gets the official program's stand-in.

        Like poseval, does not look at those of joints that are not ``present``, (P, J).
        """
        has = [bool(a.get("scores")) for a in self.annotations]
        length = present.shape[1]
        if all(has):
            return self._numbers("scores", length, present), []
        scores = np.full(present.shape, MISSING_SCORE)
        given = np.flatnonzero(has)
        if given.size:
            part = _Persons(self.path, [self.annotations[i] for i in given], self.frames[given], self.images)
            scores[given] = part._numbers("scores", length, present[given])
        if ground_truth:
            return scores, []
        return scores, [f"{len(has) - given.size} persons without 'scores' get the score {MISSING_SCORE:g}"]

    def _track_ids(self) -> NDArray[np.int64]:
        given = [a.get("track_id") for a in self.annotations]
        for person, value in enumerate(given):
            if not _is_whole(value):
                raise InputError(f"{self.where(person)}: 'track_id' must be a whole number, found {value}")
        return np.array(given, np.int64)

    def check_track_ids(
        self, track_ids: NDArray[np.int64], protocol: Protocol, ground_truth: bool
    ) -> list[str]:
        """Refuse ids out of range or given twice in a frame (which poseval lets pass in annotations)."""
        if protocol.official_files and (track_ids >= TRACK_ID_LIMIT).any():
            person = int(np.argmax(track_ids >= TRACK_ID_LIMIT))
            raise InputError(
                f"{self.where(person)}: track_id {track_ids[person]} must be below {TRACK_ID_LIMIT}"
            )
        order = np.lexsort((track_ids, self.frames))
        same = (np.diff(track_ids[order]) == 0) & (np.diff(self.frames[order]) == 0)
        if not same.any():
            return []
        person = int(order[1:][same][0])
        message = f"track_id {track_ids[person]} is given twice in a frame"
        if ground_truth and protocol.official_files:
            return [f"{message} (first in {self.images[self.frames[person]].get('file_name')})"]
        raise InputError(f"{self.where(person)}: {message}")

    def _head_sizes(self) -> NDArray[np.float64]:
        """(P,) 0.6 × diagonal of bbox_head, its corners rounded as poseval does; NaN where missing."""
        given = [a.get("bbox_head") or [math.nan] * 4 for a in self.annotations]
        try:
            boxes = np.array(given, np.float64).reshape(-1, 4)
        except (ValueError, TypeError):
            raise InputError(f"{self.path}: a 'bbox_head' does not hold four numbers") from None
        corner, size = boxes[:, :2], boxes[:, 2:]
        width, height = ((corner + size) - corner).T
        return 0.6 * np.sqrt(width * width + height * height)

    def _heights(self, points: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(P,) height of the box of the joints; boxes in prediction files are often placeholders."""
        low = np.where(present, points[:, :, 1], np.inf).min(1, initial=np.inf)
        high = np.where(present, points[:, :, 1], -np.inf).max(1, initial=-np.inf)
        return np.where(present.any(1), high - low, 0.0)

    def _box_scores(self) -> NDArray[np.float64]:
        given = [a.get("score") for a in self.annotations]
        return np.array([v if isinstance(v, int | float) else math.nan for v in given], np.float64)


def _is_whole(value: object) -> bool:
    """Whether a value of a file is a whole number, also one written as 3.0, that fits 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1 << 62 and value == int(value)
