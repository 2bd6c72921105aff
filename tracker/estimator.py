"""People and their keypoints in single pictures, by the calls that users of MegEngine's model hub know."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.engines import create_engine, load_engine
from models.keypoints import KeypointSet
from tracker.detectors import create_detector
from tracker.draw import DrawOptions, Painter
from tracker.options import DETECTOR
from tracker.pose import PoseStage
from tracker.types import Frame, FrameResult, Poses

if TYPE_CHECKING:
    from models.pose_network import PoseNetwork


class PoseEstimator:
    """A detector and a keypoint network for single pictures.

    >>> estimator = PoseEstimator("default")                            # doctest: +SKIP
    >>> boxes = estimator.detect_persons(image)                         # doctest: +SKIP
    >>> keypoints = estimator.predict(image, boxes)                     # doctest: +SKIP
    >>> picture = estimator.vis_skeletons(image, keypoints)             # doctest: +SKIP

    Args:
        model: a name of the zoo, a checkpoint or exported model, or a network.
        detector: a detector's name or file, see `tracker.detectors`; loaded when it is first needed.
        flip_test: average with the mirrored crop; doubles the network's time.
        box_threshold: boxes with a lower score are left out.
        engine, device, precision: see `models.engines.create_engine`.
        **options: of `models.checkpoints.load_pose_network`.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | PoseNetwork = "default",
        detector: str | os.PathLike[str] = DETECTOR,
        flip_test: bool = False,
        box_threshold: float = 0.5,
        engine: str = "auto",
        device: str = "auto",
        precision: str = "auto",
        **options: Any,
    ) -> None:
        self._engine_options = (engine, device, precision)
        if isinstance(model, (str, os.PathLike)):
            pose = load_engine(model, *self._engine_options, **options)
        else:
            pose = create_engine(model, *self._engine_options)
        self.stage = PoseStage(pose, flip_test)
        self.box_threshold = box_threshold
        self._detector_name = os.fspath(detector)
        self._detector: Any = None

    @property
    def keypoints(self) -> KeypointSet:
        """What `predict` finds."""
        return self.stage.description.keypoints

    def detect_persons(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 4) boxes of people, left, top, right, bottom in pixels, in an (H, W, 3) uint8 BGR picture."""
        if self._detector is None:
            self._detector = create_detector(self._detector_name, *self._engine_options)
        boxes, scores = self._detector(Frame(0, Fraction(0), image))
        return boxes[scores >= self.box_threshold]

    def predict(self, image: NDArray[np.uint8], boxes: NDArray) -> NDArray[np.float32]:
        """Keypoints of the person in each box.

        Args:
            image: (H, W, 3) uint8 BGR.
            boxes: (N, 4) left, top, right, bottom in pixels, or (4,) of one person.

        Returns:
            (N, K, 3) x, y in pixels of the picture, and the score from 0 to 1.
        """
        points, scores = self.stage(image, np.asarray(boxes, np.float32).reshape(-1, 4))
        return np.concatenate((points, scores[..., None]), axis=2)

    def vis_skeletons(
        self, image: NDArray[np.uint8], keypoints: NDArray, threshold: float = 0.3
    ) -> NDArray[np.uint8]:
        """A copy of the picture with skeletons, a colour a person.

        Args:
            image: (H, W, 3) uint8 BGR.
            keypoints: (N, K, 3) as from `predict`, or (K, 3) of one person.
            threshold: joints with a lower score are left out.
        """
        people = np.asarray(keypoints, np.float32).reshape(-1, len(self.keypoints), 3)
        points = people[..., :2]
        boxes = np.concatenate((points.min(axis=1), points.max(axis=1)), axis=1)
        ids = np.arange(1, len(people) + 1, dtype=np.int64)
        poses = Poses(points, people[..., 2], boxes, np.ones(len(people), np.float32), ids)
        nobody = np.zeros(len(people), bool)
        result = FrameResult(Frame(0, Fraction(0), image), poses, nobody, nobody, True, False, {})
        return Painter(self.keypoints, DrawOptions(ids=False, joint_threshold=threshold))(result)

    def __str__(self) -> str:
        net = self.stage.description
        return f"{net.name} {net.input_size[0]}x{net.input_size[1]}, {self.stage.engine}"
