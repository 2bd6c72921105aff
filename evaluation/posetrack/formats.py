"""The formats that sequences come in, each brought into PoseTrack18's form and read by its one reader.

==============  ==========================================  ============================================
format          recognised by                               sequences
==============  ==========================================  ============================================
PoseTrack18/21  ``images``, ``annotations``, ``categories`` one a file
COCO video      the same, with ``video_id`` in its images   one for each video
PoseTrack17     ``annolist``                                one a file
tracker         ``"format": "simpleposetrack"``             one a file
==============  ==========================================  ============================================
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.posetrack.joints import JOINTS, SCORED
from evaluation.posetrack.protocol import Protocol
from evaluation.posetrack.reading import (
    MISSING_SCORE,
    Json,
    check_mapping,
    parse_posetrack,
    read_json,
)
from evaluation.posetrack.sequences import PoseSequence
from models.conversion import convert_keypoints
from models.errors import InputError
from models.keypoints import plain_set


def read_sequences(
    path: Path, protocol: Protocol, *, ground_truth: bool, tracking: bool = True
) -> list[PoseSequence]:
    """The sequences of a file in any of the formats.

    Raises:
        InputError: naming the file and, where there is one, the frame.
    """
    content = read_json(path)
    official_names = protocol.official_files
    try:
        if "annolist" in content:
            content = _from_annolist(content["annolist"], path)
            official_names = False  # the official program takes PoseTrack17's names as they are
        elif content.get("format") == "simpleposetrack":
            content = _from_tracker(content, path)
        parts = {path.stem: content} if protocol.official_files else _split_videos(content, path.stem)
        return [
            parse_posetrack(
                part,
                path,
                protocol,
                name=name,
                ground_truth=ground_truth,
                tracking=tracking,
                official_names=official_names,
            )
            for name, part in parts.items()
        ]
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: malformed: {type(error).__name__}: {error}") from None


def _from_annolist(annolist: list[Json], path: Path) -> Json:
    """PoseTrack17: every number in a list of its own, points with the ids of the 15 joints."""
    images, annotations = [], []
    for frame, entry in enumerate(annolist):
        image: Json = {"id": frame, "file_name": entry["image"][0]["name"]}
        if "is_labeled" in entry:
            image["is_labeled"] = bool(entry["is_labeled"][0])
        regions = [region["point"] for region in entry.get("ignore_regions") or []]
        for axis in "xy":
            image[f"ignore_regions_{axis}"] = [[point[axis][0] for point in region] for region in regions]
        images.append(image)
        annotations += [_person_from_annolist(person, frame) for person in entry["annorect"]]
    return {"images": images, "annotations": annotations, "categories": _person_category(JOINTS)}


def _person_from_annolist(person: Json, frame: int) -> Json:
    annotation: Json = {"image_id": frame, "keypoints": []}
    if "track_id" in person:
        annotation["track_id"] = person["track_id"][0]
    if "score" in person:
        annotation["score"] = person["score"][0]
    if "x1" in person:
        left, top, right, bottom = (person[side][0] for side in ("x1", "y1", "x2", "y2"))
        annotation["bbox_head"] = [left, top, right - left, bottom - top]
    if person.get("annopoints") and "point" in person["annopoints"][0]:
        points = person["annopoints"][0]["point"]
        annotation["keypoints"] = [0] * 3 * len(JOINTS)
        if any("score" in point for point in points):
            annotation["scores"] = [0.0] * len(JOINTS)
        # like poseval: of points with the same id the first counts, those with other ids than joints' do not
        by_id = {point["id"][0]: point for point in reversed(points)}
        for joint in [joint for joint in range(len(JOINTS)) if joint in by_id]:
            point = by_id[joint]
            annotation["keypoints"][3 * joint : 3 * joint + 3] = [point["x"][0], point["y"][0], 1]
            if "scores" in annotation:
                annotation["scores"][joint] = point["score"][0] if "score" in point else MISSING_SCORE
    return annotation


def _from_tracker(content: Json, path: Path) -> Json:
    """The tracker's own JSON: the scored joints by name; those below its joint threshold are not there."""
    threshold = content.get("options", {}).get("joint_threshold", 0.0)
    source = plain_set("file", content["model"]["keypoints"])
    check_mapping(source, path)
    names = [f"{frame['frame']:06d}.jpg" for frame in content["frames"]]
    people = [
        (n, person) for n, frame in zip(names, content["frames"], strict=True) for person in frame["people"]
    ]
    joints = np.array([person["keypoints"] for _, person in people], float).reshape(-1, len(source), 3)
    points, scores = convert_keypoints(joints[:, :, :2], joints[:, :, 2], source, SCORED)
    there = (scores >= threshold) & (scores > 0)
    keypoints = np.concatenate([points, np.ones((*scores.shape, 1))], 2) * there[:, :, None]
    annotations = [
        {
            "image_id": name,
            "track_id": person["id"],
            "score": person["score"],
            "keypoints": row.reshape(-1).tolist(),
            "scores": confidence.tolist(),
        }
        for (name, person), row, confidence in zip(people, keypoints, scores, strict=True)
    ]
    images = [{"id": name, "file_name": name} for name in names]
    return {"images": images, "annotations": annotations, "categories": _person_category(JOINTS)}


def _person_category(names: Any) -> list[Json]:
    return [{"id": 1, "name": "person", "keypoints": list(names)}]


def _split_videos(content: Json, stem: str) -> dict[str, Json]:
    """A file with several videos as one part for each; COCO's ``keypoint_scores`` become ``scores``."""
    for annotation in content.get("annotations") or []:
        if "keypoint_scores" in annotation and not annotation.get("scores"):
            annotation["scores"] = annotation["keypoint_scores"]
    videos: dict[Any, list[Json]] = defaultdict(list)
    for image in content.get("images") or []:
        videos[image.get("video_id", image.get("vid_id"))].append(image)
    if len(videos) < 2:
        return {stem: content}
    names = {video["id"]: str(video.get("name", video["id"])) for video in content.get("videos") or []}
    video_of = {image["id"]: video for video, images in videos.items() for image in images}
    people: dict[Any, list[Json]] = defaultdict(list)
    for annotation in content["annotations"]:
        people[video_of.get(annotation["image_id"], next(iter(videos)))].append(annotation)
    return {
        names.get(video, str(video)): content | {"images": images, "annotations": people[video]}
        for video, images in videos.items()
    }
