"""Samples for the person detector: pictures, or mosaics of several, with everybody's box."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import Dataset

from models.keypoints import keypoint_set
from training.augmentation import change_picture
from training.drawing import Mix
from training.people import People, read_people
from training.pictures import read_picture
from training.recipe import Recipe
from training.task import Sample

Tile = tuple[int, int, int, int]  # left, top, right, bottom


class DetectorSamples(Dataset[Sample]):
    """Pictures with every person's box, for a detector.

    ``samples[n]`` is the same whenever and wherever it is made: ``image`` (H, W, 3) uint8 BGR, ``boxes``
    (MOST, 4) left, top, right, bottom in its pixels, ``kind`` (MOST,): 1 a person, 2 to be ignored, 0
    nothing, ``skipped``, the number of broken pictures left out.
    """

    MOST = 64

    def __init__(self, recipe: Recipe, data: Path) -> None:
        self.recipe = recipe
        keypoints = keypoint_set(recipe.network.keypoints)
        self.people = [read_people(source, data, keypoints) for source in recipe.data]
        self.of_picture = [
            _rows_by_picture(people.data.image_index, len(people.data.images)) for people in self.people
        ]
        self.mix = Mix(
            [np.arange(len(people.data.images)) for people in self.people],
            [source.weight for source in recipe.data],
            recipe.seed,
        )

    def __getitem__(self, place: int) -> Sample:
        options = self.recipe.augmentation
        random = np.random.default_rng((self.recipe.seed, 1, place))
        height, width = self.recipe.network.input_size
        canvas = np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
        count = int(random.integers(2, 4)) if random.random() < options.mosaic else 1
        boxes, kinds, skipped = [np.zeros((0, 4))], [np.zeros(0, np.int64)], 0
        for i, tile in enumerate(mosaic(width, height, count, random)):
            source, picture = self.mix.draw(place if i == 0 else int(random.integers(len(self.mix))))
            image = read_picture(self.people[source].data.images[picture])
            if image is None:
                skipped += 1
                continue
            rows = self.of_picture[source][picture]
            shown, kind = self._place(canvas, tile, image, self.people[source], rows, random)
            boxes.append(shown)
            kinds.append(kind)
        found, kind = np.concatenate(boxes)[: self.MOST], np.concatenate(kinds)[: self.MOST]
        padding = self.MOST - len(found)
        return {
            "image": torch.from_numpy(change_picture(canvas, options, random)),
            "boxes": torch.from_numpy(np.pad(found, ((0, padding), (0, 0))).astype(np.float32)),
            "kind": torch.from_numpy(np.pad(kind, (0, padding))),
            "skipped": torch.tensor(skipped),
        }

    def _place(
        self,
        canvas: NDArray[np.uint8],
        tile: Tile,
        image: NDArray[np.uint8],
        people: People,
        rows: NDArray[np.intp],
        random: Generator,
    ) -> tuple[NDArray, NDArray]:
        """Put a picture into a tile of the canvas, mirrored, resized and moved at random.

        Returns:
            (n, 4) the parts of the people's boxes that show, and (n,) their kinds.
        """
        boxes = people.data.boxes[rows].reshape(-1, 2, 2)
        height, width = image.shape[:2]
        if random.random() < self.recipe.augmentation.flip:
            image = image[:, ::-1]
            boxes = np.stack((width - boxes[:, ::-1, 0], boxes[..., 1]), axis=-1)
        left, top, right, bottom = tile
        cover = max((right - left) / width, (bottom - top) / height)
        scale = cover * np.exp(random.uniform(np.log(0.6), np.log(1.6)))
        scale *= np.array([np.exp(random.normal(0, 0.08)), 1.0])  # people are not all of one build
        room = np.array([right - left, bottom - top]) - np.array([width, height]) * scale
        corner = np.rint(np.minimum(room, 0) + random.random(2) * np.abs(room) + (left, top)).astype(int)
        _paste(canvas, tile, image, corner, scale)
        return _visible((boxes * scale + corner).reshape(-1, 4), people.ignore[rows], tile)


def _rows_by_picture(image_index: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """For each picture the rows of its people."""
    counts = np.bincount(image_index, minlength=count)
    return np.split(np.argsort(image_index, kind="stable"), np.cumsum(counts)[:-1])


def _paste(
    canvas: NDArray[np.uint8], tile: Tile, image: NDArray[np.uint8], corner: NDArray, scale: NDArray
) -> None:
    """Resize a picture and put the part that fits with its left top corner there."""
    size = np.maximum(np.rint(np.array(image.shape[1::-1]) * scale), 1).astype(int)
    method = cv2.INTER_AREA if size[1] < image.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(image, size.tolist(), interpolation=method)
    low, high = np.maximum(corner, tile[:2]), np.minimum(corner + size, tile[2:])
    part = resized[low[1] - corner[1] : high[1] - corner[1], low[0] - corner[0] : high[0] - corner[0]]
    canvas[low[1] : high[1], low[0] : high[0]] = part


def _visible(boxes: NDArray, ignore: NDArray[np.bool_], tile: Tile) -> tuple[NDArray, NDArray]:
    """The parts of boxes inside a tile and their kinds; little parts and specks are to be ignored."""
    inside = boxes.clip(tile[:2] * 2, tile[2:] * 2)
    area, area_inside = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (boxes, inside))
    speck = (inside[:, 2:] - inside[:, :2]).max(axis=1, initial=0) < 10
    unclear = ignore | speck | (area_inside < 0.35 * area)
    shown = area_inside > 4
    return inside[shown], np.where(unclear, 2, 1)[shown]


def mosaic(width: int, height: int, count: int, random: Generator) -> list[Tile]:
    """Left, top, right, bottom of count × count tiles of uneven size that fill the picture."""
    cuts = []
    for side in (width, height):
        inner = (np.arange(1, count) + random.uniform(-0.25, 0.25, count - 1)) * side / count
        cuts.append([0, *inner.astype(int).tolist(), side])
    return [
        (left, top, right, bottom)
        for top, bottom in itertools.pairwise(cuts[1])
        for left, right in itertools.pairwise(cuts[0])
    ]
