"""Draws people into frames: limbs and joints in the person's colour, ids, and the way they came."""

from __future__ import annotations

import colorsys
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.keypoints import KeypointSet
from tracker.types import FrameResult

Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel: no jumping from pixel to pixel
_TRAIL_SECONDS = Fraction(2)


@dataclass(frozen=True)
class DrawOptions:
    """What to draw.

    Attributes:
        boxes: the person's box.
        ids: the track id on a label above the person.
        trails: the way of each person over the last two seconds.
        joint_threshold: joints with a lower score, and limbs from or to them, are left out.
    """

    boxes: bool = False
    ids: bool = True
    trails: bool = False
    joint_threshold: float = 0.4


class Painter:
    """Draws one frame after the other and remembers where people came from.

    Args:
        keypoints: that the poses have.
        options: what to draw.
    """

    def __init__(self, keypoints: KeypointSet, options: DrawOptions | None = None) -> None:
        self._limbs = keypoints.limb_index
        self._options = options or DrawOptions()
        self._trails: dict[int, deque[tuple[Fraction, NDArray[np.float32]]]] = {}

    def __call__(self, result: FrameResult) -> NDArray[np.uint8]:
        """A copy of the frame (H, W, 3) uint8 BGR with the people drawn in."""
        image = result.frame.image.copy()
        poses, options = result.poses, self._options
        if options.trails:
            self._remember(result)
            self._draw_trails(image, poses.track_ids.tolist())
        points = _fixed(poses.keypoints, image.shape[:2])
        seen = poses.scores >= options.joint_threshold
        heights = np.maximum(poses.boxes[:, 3] - poses.boxes[:, 1], 1)
        for i in np.argsort(heights, kind="stable"):  # those in front last
            colour = id_colour(int(poses.track_ids[i]))
            width = line_width(image.shape[:2], float(heights[i]))
            if options.boxes:
                _rectangle(image, poses.boxes[i], colour, max(1, width // 2))
            self._draw_skeleton(image, points[i], seen[i], colour, width)
        if options.ids:
            for i in range(len(poses)):
                _label(image, poses.boxes[i], poses.keypoints[i][seen[i]], int(poses.track_ids[i]))
        return image

    def _draw_skeleton(
        self, image: NDArray[np.uint8], points: NDArray[np.int32], seen: NDArray, colour: Colour, width: int
    ) -> None:
        limbs = self._limbs[seen[self._limbs].all(axis=1)] if len(self._limbs) else self._limbs
        lines = list(points[limbs])
        # a dark rim keeps the lines apart from a background of the same colour
        cv2.polylines(image, lines, False, (0, 0, 0), width + max(2, width // 2), cv2.LINE_AA, _SHIFT)
        cv2.polylines(image, lines, False, colour, width, cv2.LINE_AA, _SHIFT)
        light = tuple((c + 255) // 2 for c in colour)
        radius = int((width * 0.8 + 0.5) * (1 << _SHIFT))
        for centre in points[seen].tolist():
            cv2.circle(image, centre, radius, light, -1, cv2.LINE_AA, _SHIFT)

    def _remember(self, result: FrameResult) -> None:
        poses, now = result.poses, result.frame.time
        for track_id, box in zip(poses.track_ids.tolist(), poses.boxes, strict=True):
            foot = np.array(((box[0] + box[2]) / 2, box[3]), np.float32)
            trail = self._trails.setdefault(track_id, deque())
            if not trail or trail[-1][0] != now:  # a window that stands still shows one frame again and again
                trail.append((now, foot))
        for track_id, trail in list(self._trails.items()):
            while trail and now - trail[0][0] > _TRAIL_SECONDS:
                trail.popleft()
            if not trail:
                del self._trails[track_id]

    def _draw_trails(self, image: NDArray[np.uint8], track_ids: list[int]) -> None:
        width = max(1, line_width(image.shape[:2], image.shape[0] / 4) // 2)
        for track_id in track_ids:
            way = _fixed(np.array([point for _, point in self._trails[track_id]]), image.shape[:2])
            cv2.polylines(image, [way], False, id_colour(track_id), width, cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=4096)
def id_colour(track_id: int) -> Colour:
    """A bright BGR colour for an id: the same in every run, far from those of the ids next to it."""
    hue = (track_id * 0.61803398875) % 1.0  # the golden ratio spreads any number of hues evenly
    saturation, value = ((0.85, 1.0), (0.55, 1.0), (0.9, 0.8))[track_id // 8 % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(blue * 255), round(green * 255), round(red * 255)


def line_width(frame: tuple[int, int], person: float) -> int:
    """Pixels: thick enough to be seen in the frame, thin enough not to hide a small person."""
    by_frame = min(frame) / 240
    by_person = person / 60
    return max(1, round(min(by_frame, by_person)))


def _fixed(points: NDArray, frame: tuple[int, int]) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point numbers; those far outside are brought near: nothing overflows."""
    height, width = frame
    near = np.clip(np.nan_to_num(points), (-width, -height), (2 * width, 2 * height))
    return np.round(near * (1 << _SHIFT)).astype(np.int32)


def _rectangle(image: NDArray[np.uint8], box: NDArray, colour: Colour, width: int) -> None:
    left, top, right, bottom = _fixed(box.reshape(2, 2), image.shape[:2]).ravel().tolist()
    cv2.rectangle(image, (left, top), (right, bottom), colour, width, cv2.LINE_AA, _SHIFT)


def _label(image: NDArray[np.uint8], box: NDArray, joints: NDArray, track_id: int) -> None:
    """The id on a filled ground above the person, moved into the picture where it would stand out of it."""
    height, width = image.shape[:2]
    by_frame, by_person = min(height, width) / 900, float(box[3] - box[1]) / 250
    text, scale = str(track_id), max(min(by_frame, by_person), 0.4, by_frame / 2)
    thickness = max(1, round(scale * 1.6))
    (wide, high), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    pad = max(2, high // 3)
    middle, above = (float(box[0]) + float(box[2])) / 2, float(box[1])
    if len(joints):
        above = min(above, float(joints[:, 1].min()))
    left = int(min(max(middle - wide / 2 - pad, 0), max(0, width - wide - 2 * pad)))
    bottom = int(min(max(above, high + 2 * pad), height - 1))
    colour = id_colour(track_id)
    cv2.rectangle(image, (left, bottom - high - 2 * pad), (left + wide + 2 * pad, bottom), colour, cv2.FILLED)
    brightness = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]
    ink = (0, 0, 0) if brightness > 110 else (255, 255, 255)
    cv2.putText(image, text, (left + pad, bottom - pad), _FONT, scale, ink, thickness, cv2.LINE_AA)
