"""Person detectors: a frame in, boxes and scores out.

=================================  ==================================================================
``person_detector``                the project's own, shipped with it
``fasterrcnn_resnet50_fpn_v2`` …   torchvision's, fetched on first use (`models.torchvision_people`)
``FILE.onnx``                      any detector in a known layout (`tracker.onnx_detector`)
``FILE.safetensors``, ``.pth``     other weights of the project's own detector
``FILE.json``, ``.txt``, ``.csv``  no detector but a file of boxes (`tracker.boxes_file`)
=================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engines import CompiledNetwork, compile_network
from models.errors import InputError
from tracker.boxes_file import SUFFIXES, BoxesFile
from tracker.nms import box_nms
from tracker.options import DETECTOR
from tracker.types import Boxes, Detector, Frame

if TYPE_CHECKING:
    from models.person_detector import PersonDetector

TORCHVISION = (
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "ssdlite320_mobilenet_v3_large",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
)
OWN_NMS = 0.6
MULTIPLE = 32  # pixels that a network's input sides are a multiple of, by padding at the right and below
# The network's scores are cautious, as centre heat maps' are. Raised to this power, a score of 0.5 is one at
# which about half of the boxes are people, which is what a threshold of 0.5 should mean.
CONFIDENCE_POWER = 0.6


class NetworkDetector:
    """A detector network on frames brought to its size.

    Args:
        name: for people to read.
        size_for: (height, width) of a frame → (height, width) to resize it to.
        compile: (height, width) of the resized frame and of the padded input → the network for them.
        decode: the network's outputs → boxes in pixels of its input, and scores.
        fill: BGR colour of the padding.
    """

    def __init__(
        self,
        name: str,
        size_for: Callable[[int, int], tuple[int, int]],
        compile: Callable[[tuple[int, int], tuple[int, int]], CompiledNetwork],
        decode: Callable[[tuple[NDArray, ...]], Boxes],
        fill: tuple[int, int, int] = (104, 116, 124),
    ) -> None:
        self.name = name
        self._size_for = size_for
        self._compile = compile
        self._decode = decode
        self._fill = fill
        self._networks: dict[tuple[int, int], CompiledNetwork] = {}

    def __call__(self, frame: Frame) -> Boxes:
        """People in a frame, the best first, boxes within the picture."""
        height, width = frame.image.shape[:2]
        size = self._size_for(height, width)
        picture: NDArray = cv2.resize(frame.image, size[::-1], interpolation=cv2.INTER_LINEAR)
        below, right = (-side % MULTIPLE for side in size)
        if below or right:
            picture = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT, value=self._fill)
        if size not in self._networks:
            self._networks[size] = self._compile(size, picture.shape[:2])
        boxes, scores = self._decode(self._networks[size](picture[None]))
        to_frame = np.array((width / size[1], height / size[0]) * 2, np.float32)
        boxes = np.clip(boxes * to_frame, 0, (width, height) * 2).astype(np.float32)
        best = np.argsort(-scores, kind="stable")
        return boxes[best], scores[best].astype(np.float32)

    def __str__(self) -> str:
        network = next(iter(self._networks.values()), None)
        return f"{self.name}, {network}" if network else self.name


def create_detector(
    name_or_path: str | Path = DETECTOR, engine: str = "auto", device: str = "auto", precision: str = "auto"
) -> Detector:
    """A detector by name or file, see the module's text; weights that are not here are fetched.

    Raises InputError for an unknown name, a missing or wrong file, or an engine that is not here.
    """
    name, path = str(name_or_path), Path(name_or_path)
    suffix = path.suffix.lower()
    if precision == "int8":  # keypoint networks alone have int8 versions
        precision = "auto"
    if suffix in SUFFIXES:
        return BoxesFile(path)
    if suffix == ".onnx":
        from tracker.onnx_detector import ONNXDetector

        return ONNXDetector(path)
    if name in TORCHVISION:
        return _torchvision(name, engine, device, precision)
    if name == DETECTOR or suffix:
        from models import zoo
        from models.person_detector import load_person_detector

        network = load_person_detector(zoo.fetch(name) if name == DETECTOR else path)
        return own_detector(network, path.stem, engine, device, precision)
    raise InputError(
        f"unknown detector '{name}': choose from {', '.join((DETECTOR, *TORCHVISION))}, or give a file "
        "(.onnx, .safetensors; boxes as .json, .txt)"
    )


def own_detector(
    network: PersonDetector, name: str, engine: str = "auto", device: str = "auto", precision: str = "auto"
) -> NetworkDetector:
    """The project's own detector network, ready for frames."""
    from models import person_detector

    def compile(_size: tuple[int, int], padded: tuple[int, int]) -> CompiledNetwork:
        mean, std = person_detector.MEAN, person_detector.STD
        return compile_network(network, mean, std, "rgb", padded, engine, device, precision)

    def decode(outputs: tuple[NDArray, ...]) -> Boxes:
        boxes, scores = person_detector.decode_detections(outputs[0][0])
        keep = box_nms(boxes, scores, OWN_NMS)
        return boxes[keep], scores[keep] ** CONFIDENCE_POWER

    return NetworkDetector(name, partial(_long_side, person_detector.LONG_SIDE), compile, decode)


def _long_side(pixels: int, height: int, width: int) -> tuple[int, int]:
    """Size whose longer side has so many pixels; a smaller picture is left as it is."""
    scale = min(1.0, pixels / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _torchvision(name: str, engine: str, device: str, precision: str) -> NetworkDetector:
    from models import zoo
    from models.torchvision_people import DETECTORS, PeopleOnly, build_detector, load_weights, mean_and_std

    rule, _ = DETECTORS[name]
    network = build_detector(name)
    load_weights(network, zoo.fetch(name))
    mean, std = mean_and_std(network)
    # box corners of large pictures need more than bfloat16's eight bits
    precision = "fp32" if precision == "auto" else precision

    def compile(size: tuple[int, int], padded: tuple[int, int]) -> CompiledNetwork:
        people = PeopleOnly(network, size)
        return compile_network(people, mean, std, "rgb", padded, engine, device, precision, batch=1)

    def decode(outputs: tuple[NDArray, ...]) -> Boxes:
        return outputs[0], outputs[1]

    return NetworkDetector(name, rule.size, compile, decode, fill=_bgr(mean))


def _bgr(rgb: tuple[float, ...]) -> tuple[int, int, int]:
    red, green, blue = (round(value) for value in rgb)
    return blue, green, red
