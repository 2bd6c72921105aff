"""Samples for keypoint networks: augmented crops of people with their joints."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import Dataset

from models.crops import box_to_crop, crop_matrix, to_crop
from models.keypoints import keypoint_set
from training.augmentation import change_picture, half_body_crop, jitter_crop
from training.drawing import Mix
from training.people import read_people
from training.pictures import first_readable
from training.recipe import Recipe
from training.task import Sample


class PoseSamples(Dataset[Sample]):
    """Crops of people with their joints.

    ``samples[n]`` is the same whenever and wherever it is made: ``image`` (H, W, 3) uint8 BGR, ``points``
    (K, 2) in its pixels, ``weights`` (K,), 0 where a joint is not labelled, ``skipped``, the number of broken
    pictures left out on the way.

    Args:
        recipe: says what is drawn and how it is changed.
        data: the data folder.
        crop_size: height and width of the crops, where not the network's input size.
    """

    def __init__(self, recipe: Recipe, data: Path, crop_size: tuple[int, int] | None = None) -> None:
        self.recipe = recipe
        self.size = crop_size or recipe.network.input_size
        self.set = keypoint_set(recipe.network.keypoints)
        self.people = [read_people(source, data, self.set) for source in recipe.data]
        self.mix = Mix(
            [np.flatnonzero(people.teaches) for people in self.people],
            [source.weight for source in recipe.data],
            recipe.seed,
        )

    def __getitem__(self, place: int) -> Sample:
        random = np.random.default_rng((self.recipe.seed, 1, place))
        places = itertools.chain([place], iter(lambda: int(random.integers(len(self.mix))), None))

        def draw() -> tuple[int, int, Path]:
            source, person = self.mix.draw(next(places))
            data = self.people[source].data
            return source, person, data.images[data.image_index[person]]

        source, person, image, skipped = first_readable(draw)
        data, options, size = self.people[source].data, self.recipe.augmentation, self.size
        points, weights = data.keypoints[person], data.weights[person]
        crop = self._crop(data.boxes[person], points, weights, random)
        crop, rotation = jitter_crop(crop, options, random)
        matrix = crop_matrix(crop, size, rotation, self.recipe.network.half_pixel)
        if random.random() < options.flip:
            matrix = mirrored(matrix, size[1], self.recipe.network.half_pixel)
            points, weights = points[self.set.flip_index], weights[self.set.flip_index]
        picture = cv2.warpAffine(image, matrix, (size[1], size[0]))
        picture = change_picture(np.asarray(picture, np.uint8), options, random)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(picture)),
            "points": torch.from_numpy(to_crop(points, matrix).astype(np.float32)),
            "weights": torch.from_numpy(weights.copy()),
            "skipped": torch.tensor(skipped),
        }

    def _crop(self, box: NDArray, points: NDArray, weights: NDArray, random: Generator) -> NDArray:
        options = self.recipe.augmentation
        if (weights > 0).sum() > options.half_body_joints and random.random() < options.half_body:
            crop = half_body_crop(points, weights, self.set, self.size, random)
            if crop is not None:
                return crop
        return box_to_crop(box, self.size, self.recipe.network.padding)[0]


def mirrored(matrix: NDArray, width: int, half_pixel: bool) -> NDArray[np.float64]:
    """The crop matrix (2, 3) of the mirror image of the same area.

    Mirroring the area instead of the picture spares a copy of the picture; the Microsoft code's mirrored
    pictures give the same crops.
    """
    result = matrix.copy()
    result[0] = -result[0]
    result[0, 2] += width - 1 if half_pixel else width
    return result
