"""Reading pictures so that a broken one costs a training run no more than a line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InputError

log = logging.getLogger(__name__)

PATIENCE = 20  # broken pictures in a row that no longer look like chance


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """(H, W, 3) uint8 BGR as stored, which is how annotations count pixels; None where it does not decode."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        _warn(path)
        return None
    return np.asarray(picture, np.uint8)


@lru_cache(maxsize=10_000)
def _warn(path: Path) -> None:
    log.warning("%s does not decode: left out", path)


def first_readable(draw: Callable[[], tuple[int, int, Path]]) -> tuple[int, int, NDArray[np.uint8], int]:
    """Draw until a picture decodes.

    Args:
        draw: gives a source, an entry and the path of its picture.

    Returns:
        source, entry, the picture, and the number of pictures left out.

    Raises:
        InputError: none of PATIENCE pictures in a row decodes.
    """
    for skipped in range(PATIENCE):
        source, entry, path = draw()
        picture = read_picture(path)
        if picture is not None:
            return source, entry, picture, skipped
    raise InputError(f"none of {PATIENCE} pictures in a row can be read, such as '{path}'")
