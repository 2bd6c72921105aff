"""From annotated people to training samples. Sample number n of a run is always the same, so a run resumes exactly."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from models.crops import box_to_crop, crop_matrix, to_crop
from models.heatmaps import input_to_cells
from models.keypoints import keypoint_set
from training.augmentation import change_picture, half_body_box, jitter_crop
from training.people import People, read_people
from training.recipe import Recipe

log = logging.getLogger(__name__)

Sample = dict[str, Tensor]


@dataclass(frozen=True)
class Pool:
    """What a run draws from: for every pass, each entry of each source about as often as its weight says."""

    entries: list[NDArray[np.intp]]  # of each source, what may be drawn
    weights: list[float]
    seed: int

    def __len__(self) -> int:
        return int(sum(round(len(e) * w) for e, w in zip(self.entries, self.weights, strict=True)))

    def draw(self, position: int) -> tuple[int, int]:
        """Source and entry of the sample at a position of the run."""
        around, place = divmod(position, len(self))
        source, entry = _order(self, around)[place]
        return int(source), int(entry)

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=2)
def _order(pool: Pool, around: int) -> NDArray[np.intp]:
    random = np.random.default_rng((pool.seed, around))
    chosen = []
    for source, (entries, weight) in enumerate(zip(pool.entries, pool.weights, strict=True)):
        wanted = round(len(entries) * weight)
        whole = np.tile(entries, wanted // len(entries))
        rest = random.permutation(entries)[: wanted % len(entries)]
        picked = np.concatenate((whole, rest))
        chosen.append(np.column_stack((np.full(len(picked), source), picked)))
    return random.permutation(np.concatenate(chosen))


class PoseSamples(Dataset[Sample]):
    """Crops of people with their joints.

    ``samples[n]`` gives ``image`` (H, W, 3) uint8 BGR, ``points`` (K, 2) in heat-map cells, ``weights`` (K,).
    """

    def __init__(self, recipe: Recipe, data: Path) -> None:
        self.recipe = recipe
        self.set = keypoint_set(recipe.network.keypoints)
        self.people = [read_people(source, data, self.set) for source in recipe.data]
        entries = [np.flatnonzero((p.weights > 0).any(axis=1) & ~p.ignore) for p in self.people]
        self.pool = Pool(entries, [source.weight for source in recipe.data], recipe.seed)

    def __len__(self) -> int:
        return self.recipe.schedule.samples

    def __getitem__(self, position: int) -> Sample:
        random = np.random.default_rng((self.recipe.seed, 1, position))
        source, person = self.pool.draw(position)
        people = self.people[source]
        image = read_image(people.images[people.image[person]])
        while image is None:  # not decodable: another person in its place
            source, person = self.pool.draw(int(random.integers(len(self.pool))))
            people = self.people[source]
            image = read_image(people.images[people.image[person]])
        options = self.recipe.augmentation
        crop = self._crop(people, person, random)
        crop, rotation = jitter_crop(crop, options, random)
        size = self.recipe.network.input_size
        matrix = crop_matrix(crop, size, rotation)
        points, weights = people.keypoints[person], people.weights[person]
        if random.random() < options.flip:  # mirror the crop's area, not the picture: no copy of the picture
            matrix[0] = -matrix[0]
            matrix[0, 2] += size[1] - 1
            points, weights = points[self.set.flip_index], weights[self.set.flip_index]
        picture = cv2.warpAffine(image, matrix, (size[1], size[0]))
        picture = change_picture(np.asarray(picture, np.uint8), options, random)
        cells = input_to_cells(to_crop(points, matrix))
        return {
            "image": torch.from_numpy(np.ascontiguousarray(picture)),
            "points": torch.from_numpy(cells.astype(np.float32)),
            "weights": torch.from_numpy(weights.copy()),
        }

    def _crop(self, people: People, person: int, random: Generator) -> NDArray:
        box: NDArray | None = None
        if random.random() < self.recipe.augmentation.half_body:
            box = half_body_box(people.keypoints[person], people.weights[person], self.set, random)
        if box is None:
            box = people.boxes[person]
        return box_to_crop(box, self.recipe.network.input_size)[0]


class DetectorSamples(Dataset[Sample]):
    """Images with every person's box, for a detector.

    ``samples[n]`` gives ``image`` (H, W, 3) uint8 BGR, ``boxes`` (MOST, 4) left, top, right, bottom in pixels and
    ``kind`` (MOST,): 1 a person, 2 to be ignored, 0 nothing.
    """

    MOST = 64

    def __init__(self, recipe: Recipe, data: Path) -> None:
        self.recipe = recipe
        keypoints = keypoint_set(recipe.network.keypoints)
        self.people = [read_people(source, data, keypoints) for source in recipe.data]
        self.of_image = [
            np.split(
                np.argsort(p.image, kind="stable"),
                np.cumsum(np.bincount(p.image, minlength=len(p.images)))[:-1],
            )
            for p in self.people
        ]
        entries = [np.arange(len(p.images)) for p in self.people]
        self.pool = Pool(entries, [source.weight for source in recipe.data], recipe.seed)

    def __len__(self) -> int:
        return self.recipe.schedule.samples

    def __getitem__(self, position: int) -> Sample:
        options = self.recipe.augmentation
        random = np.random.default_rng((self.recipe.seed, 1, position))
        height, width = self.recipe.network.input_size
        canvas = np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
        tiles = _mosaic(
            width, height, int(random.integers(2, 4)) if random.random() < options.mosaic else 1, random
        )
        found = []
        for i, tile in enumerate(tiles):
            draw = position if i == 0 else int(random.integers(len(self.pool)))
            found.append(self._place(canvas, tile, draw, random))
        boxes, kind = (np.concatenate(part)[: self.MOST] for part in zip(*found, strict=True))
        image = change_picture(canvas, options, random)
        padding = self.MOST - len(boxes)
        return {
            "image": torch.from_numpy(image),
            "boxes": torch.from_numpy(np.pad(boxes, ((0, padding), (0, 0))).astype(np.float32)),
            "kind": torch.from_numpy(np.pad(kind, (0, padding))),
        }

    def _place(
        self, canvas: NDArray[np.uint8], tile: tuple[int, int, int, int], draw: int, random: Generator
    ) -> tuple[NDArray, NDArray]:
        """Put a picture into a tile of the canvas; boxes (N, 4) and kinds (N,) of the people that show."""
        source, index = self.pool.draw(draw)
        people = self.people[source]
        image = read_image(people.images[index])
        left, top, right, bottom = tile
        if image is None:
            return np.zeros((0, 4)), np.zeros(0, np.int64)
        height, width = image.shape[:2]
        cover = max((right - left) / width, (bottom - top) / height)
        scale = cover * np.exp(random.uniform(np.log(0.6), np.log(1.6)))
        scale *= np.array([np.exp(random.normal(0, 0.08)), 1.0])  # people are not all of one build
        room = np.array([right - left, bottom - top]) - np.array([width, height]) * scale
        offset = np.minimum(room, 0) + random.random(2) * np.abs(room) + (left, top)
        of_image = self.of_image[source][index]
        boxes = people.boxes[of_image].reshape(-1, 2, 2)
        if random.random() < self.recipe.augmentation.flip:
            image = image[:, ::-1]
            boxes = np.stack((width - boxes[:, ::-1, 0], boxes[..., 1]), axis=-1)
        size = np.maximum(np.rint((width, height) * scale), 1).astype(int)
        shrink = cv2.INTER_AREA if size[1] < height else cv2.INTER_LINEAR
        resized = cv2.resize(image, size.tolist(), interpolation=shrink)
        corner = np.rint(offset).astype(int)
        low = np.maximum(corner, (left, top))
        high = np.minimum(corner + size, (right, bottom))
        inner = resized[low[1] - corner[1] : high[1] - corner[1], low[0] - corner[0] : high[0] - corner[0]]
        canvas[low[1] : high[1], low[0] : high[0]] = inner
        boxes = (boxes * scale + corner).reshape(-1, 4)
        inside = boxes.clip((left, top, left, top), (right, bottom, right, bottom))
        area, area_inside = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (boxes, inside))
        visible = area_inside / np.maximum(area, 1e-6)
        small = (inside[:, 2:] - inside[:, :2]).max(axis=1, initial=0) < 10
        unclear = people.ignore[of_image] | small | (visible < 0.35)
        shown_at_all = area_inside > 4
        return inside[shown_at_all], np.where(unclear, 2, 1)[shown_at_all]


def _mosaic(width: int, height: int, count: int, random: Generator) -> list[tuple[int, int, int, int]]:
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


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """(H, W, 3) uint8 BGR; None, with a warning in the log, where the file does not decode."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        log.warning("%s does not decode: left out", path)
        return None
    return np.asarray(image, np.uint8)
