"""Boxes of one image → keypoints: one batch of crops, the network, decoding, back to the image."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import crops, heatmaps

if TYPE_CHECKING:
    from models.description import PoseDescription
    from models.engines import Engine

MAX_BATCH = 32  # crops that go through the network at once: bounds the memory that a crowd takes


class PoseStage:
    """The keypoint network on one batch of person crops (paper, section 2).

    Args:
        engine: a keypoint network ready to run, from `models.engines.create_engine`.
        flip_test: average the heat maps with those of the mirrored crops; doubles the network's time.
        published_scores: give the decoding's own scores, which MSPN's and MegEngine's programs raise by 0.5
            and 1, instead of confidences from 0 to 1; their published AP is computed with them.

    Attributes:
        description: what the network expects and gives.
        seconds: stage (crop, pose) → seconds that the last call took.
    """

    def __init__(
        self,
        engine: Engine,
        flip_test: bool = False,
        published_scores: bool = False,
    ) -> None:
        self.engine = engine
        self.flip_test = flip_test
        self.published_scores = published_scores
        self.seconds = {"crop": 0.0, "pose": 0.0}

    @property
    def description(self) -> PoseDescription:
        return self.engine.description

    def __call__(
        self, image: NDArray[np.uint8], boxes: NDArray
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the keypoints of the person in each box.

        Args:
            image: (H, W, 3) uint8 BGR.
            boxes: (N, 4) left, top, right, bottom in pixels of the image; N may be 0.

        Returns:
            (N, K, 2) float32 x, y in pixels of the image, and (N, K) float32 scores.
        """
        net = self.description
        windows = crops.box_to_crop(boxes, net.input_size, net.padding)
        k = len(net.keypoints)
        points, scores = np.empty((len(windows), k, 2), np.float32), np.empty((len(windows), k), np.float32)
        self.seconds = {"crop": 0.0, "pose": 0.0}
        for start in range(0, len(windows), MAX_BATCH):
            batch = slice(start, start + MAX_BATCH)
            began = time.perf_counter()
            pictures = crops.extract_crops(image, windows[batch], net.input_size, net.half_pixel, udp=net.udp)
            cropped = time.perf_counter()
            points[batch], scores[batch] = self.locate(pictures, windows[batch])
            self.seconds["crop"] += cropped - began
            self.seconds["pose"] += time.perf_counter() - cropped
        return points, scores

    def locate(
        self, pictures: NDArray[np.uint8], windows: NDArray
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the keypoints in crops that are cut out already, of one image or of many.

        Args:
            pictures: (N, height, width, 3) uint8 BGR, as from `models.crops.extract_crops`.
            windows: (N, 4) where they were cut out, as from `models.crops.box_to_crop`.

        Returns:
            (N, K, 2) float32 x, y in pixels of the image, and (N, K) float32 scores.
        """
        net = self.description
        cells, peaks = heatmaps.decode(self._heatmaps(pictures), net.decoding)
        half_pixel = net.half_pixel and not net.udp
        in_crop = heatmaps.cells_to_input(cells, net.cell_size, half_pixel)
        points = _to_image(in_crop, windows, net.input_size, half_pixel, net.udp)
        if self.published_scores:
            return points, peaks
        return points, heatmaps.confidence(peaks, net.decoding, net.peak)

    def _heatmaps(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not self.flip_test:
            return self.engine(pictures)
        both = self.engine(np.concatenate((pictures, pictures[:, :, ::-1])))
        direct, mirrored = both[: len(pictures)], both[len(pictures) :]
        net = self.description
        return (direct + heatmaps.unflip(mirrored, net.keypoints.flip_index, net.flip_shift)) / 2


def _to_image(
    points: NDArray, windows: NDArray, input_size: tuple[int, int], half_pixel: bool, udp: bool
) -> NDArray[np.float32]:
    """Crop pixels (N, K, 2) back to image pixels: `models.crops.crop_matrix` inverted, all crops at once."""
    height, width = input_size
    size = np.array((width, height), np.float32) - udp
    from_centre = points + (0.5 if half_pixel else 0.0) - size / 2
    return (windows[:, None, :2] + from_centre * (windows[:, None, 2:] / size)).astype(np.float32)
