"""Turns stored pictures the way they are meant to be seen: upright, with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame


class Orientation:
    """How a stored picture has to be turned and mirrored to be upright: one of eight ways."""

    def __init__(self, transpose: bool = False, mirror_x: bool = False, mirror_y: bool = False) -> None:
        self.transpose = transpose
        self._flip = {(True, True): -1, (True, False): 1, (False, True): 0}.get((mirror_x, mirror_y))

    @property
    def degrees(self) -> int:
        """Clockwise turn; a mirror image counts as the turn that it is nearest to."""
        if self.transpose:
            return 270 if self._flip == 0 else 90
        return 180 if self._flip == -1 else 0

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright picture."""
        if self.transpose:
            image = cast("NDArray[np.uint8]", cv2.transpose(image))
        return image if self._flip is None else cast("NDArray[np.uint8]", cv2.flip(image, self._flip))


def orientation_of(picture: VideoFrame) -> Orientation:
    """From the display matrix: x' = a·x + c·y, y' = b·x + d·y, as 32-bit fixed point a, b, u, c, d, …"""
    data = cast("SideData | None", picture.side_data.get("DISPLAYMATRIX"))
    if data is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(data)[:20], "<i4").tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, mirror_x=a < 0, mirror_y=d < 0)
    return Orientation(True, mirror_x=c < 0, mirror_y=b < 0)


def square_pixels(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size at which nothing looks stretched; always enlarges, so that no detail is lost."""
    if not Fraction(1, 4) <= aspect <= 4:  # no camera or disc has such pixels: a broken header
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)
