"""Frames of a folder, a pattern or a single file of pictures, in the order that a person would count them."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from tracker.types import Frame
from tracker.video.source import DamagedSourceError, Source, SourceInfo, TimeRange

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


class ImageSequence(Source):
    """Pictures of one size as the frames of a video.

    Raises:
        InputError: no pictures, a file that is none, or pictures of different sizes.
    """

    def __init__(self, spec: str, span: TimeRange | None = None, frame_rate: Fraction = Fraction(25)) -> None:
        span = span or TimeRange()
        pictures = find_pictures(spec)
        self._files = [
            (index, file)
            for index, file in enumerate(pictures)
            if span.begun(index, index / frame_rate) and not span.over(index, index / frame_rate)
        ]
        if not self._files:
            raise InputError(f"no picture {span}: '{spec}' has {len(pictures)}, {frame_rate} a second")
        width, height = _common_size([file for _, file in self._files])
        self.info = SourceInfo(
            path=spec,
            width=width,
            height=height,
            frame_rate=frame_rate,
            time_base=1 / frame_rate,
            duration=len(pictures) / frame_rate,
            frame_count=len(self._files),
            codec=self._files[0][1].suffix[1:].lower(),
            span=span,
        )

    def __iter__(self) -> Iterator[Frame]:
        for done, (index, file) in enumerate(self._files):
            began = time.perf_counter()
            try:
                image = decode_picture(file.read_bytes())
            except OSError:
                image = None
            if image is None:
                raise DamagedSourceError(f"cannot decode '{file}': the results of {done} pictures are kept")
            self.seconds += time.perf_counter() - began
            yield Frame(index, index / self.info.frame_rate, image)

    def close(self) -> None:
        """Nothing is open between two pictures."""


def decode_picture(content: bytes) -> NDArray[np.uint8] | None:
    """A picture file's content as (H, W, 3) BGR, upright; None for no picture, or not a whole one.

    OpenCV itself would read a file that was cut off as if it were whole, and no name beyond UTF-8.
    """
    if not content:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def is_pictures(spec: str) -> bool:
    """Whether an input means pictures: a folder, a picture, or a pattern of which some files are pictures."""
    path = Path(spec)
    if os.path.exists(path):  # Path.exists raises at a name that is too long
        return path.suffix.lower() in SUFFIXES or path.is_dir()
    return any(_is_picture(Path(name)) for name in glob.iglob(spec))


def find_pictures(spec: str) -> list[Path]:
    """The pictures of a folder or pattern, frame_2 before frame_10; raises InputError if there are none."""
    path = Path(spec)
    if path.is_file():
        return [path]
    found = list(path.iterdir()) if path.is_dir() else [Path(name) for name in glob.glob(spec)]
    pictures = [file for file in found if _is_picture(file)]
    if not pictures:
        raise InputError(
            f"no pictures in '{spec}' but {len(found)} other files; for videos give a pattern such as '*.mp4'"
        )
    return sorted(pictures, key=_natural)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts digits as numbers: 'frame_10' after 'frame_2'."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]


def _common_size(files: list[Path]) -> tuple[int, int]:
    """Width and height, read from the files' heads alone."""
    from PIL import Image, UnidentifiedImageError

    first: tuple[int, int] | None = None
    for file in files:
        try:
            with Image.open(file) as picture:
                size = picture.size
                if picture.getexif().get(0x0112, 1) >= 5:  # Exif orientation: lies on its side
                    size = size[::-1]
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
            raise InputError(f"'{file}' is not a picture that can be read") from None
        if first is None:
            first = size
        elif size != first:
            raise InputError(
                f"pictures of different sizes: '{files[0].name}' is {first[0]}x{first[1]}, '{file.name}' is "
                f"{size[0]}x{size[1]}; bring them to one size, or give them one by one"
            )
    assert first is not None
    return first
