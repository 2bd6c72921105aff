"""Any ONNX person detector in a known layout, run by OpenVINO.

Outputs that are understood, told apart by their number and shape (C classes, N boxes; corners are left, top,
right, bottom in pixels of the input):

==============  =====================================================  ========
layout          outputs                                                a person
==============  =====================================================  ========
torchvision     corners (N, 4), labels (N), scores (N)                 label 1
MMDeploy        corners and score (1, N, 5), labels (1, N)             label 0
with NMS        (1, N, 6): corners, score, label; N up to 1,000        label 0
YOLOv8 …        (1, 4 + C, N): centre, size, scores of the classes     class 0
YOLOv5, YOLOX   (1, N, 5 + C): centre, size, objectness, classes; to   class 0
                be exported with its boxes decoded to pixels
==============  =====================================================  ========

The input is (1, 3, H, W), or (3, H, W), float, RGB, 0 to 1; where H and W are not fixed, 640×640 is given.
What differs is said in a file ``NAME.json`` beside ``NAME.onnx``: ``{"mean": [r, g, b], "std": […], "colour":
"bgr", "person": 0, "size": [H, W]}``, mean and std on the scale 0 to 255 in the network's channel order;
each entry may be left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from tracker.nms import box_nms
from tracker.types import Boxes, Frame

LEAST_SCORE = 0.05
NMS = 0.6
MOST_AFTER_NMS = 1000  # boxes; an output of six columns with more holds centres and sizes of one class
FILL = 114  # grey of the padding


@dataclass(frozen=True)
class Settings:
    """What a sidecar file may say, see the module's text."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)
    colour: str = "rgb"
    person: int | None = None
    size: tuple[int, int] = (640, 640)

    def __post_init__(self) -> None:
        for name, count in (("mean", 3), ("std", 3), ("size", 2)):
            values = np.array(getattr(self, name), float)
            if values.shape != (count,) or (name != "mean" and values.min() <= 0):
                raise ValueError(f"{name} is {getattr(self, name)}")
        if self.colour not in ("rgb", "bgr"):
            raise ValueError(f"colour is {self.colour}")

    @classmethod
    def beside(cls, path: Path) -> Settings:
        """From the file beside a network, or the defaults; raises InputError for a wrong file."""
        sidecar = path.with_suffix(".json")
        if not sidecar.is_file():
            return cls()
        try:
            content = json.loads(sidecar.read_text(encoding="utf-8"))
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
            return cls(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"'{sidecar}' does not describe a detector ({error}): it may hold mean and std (three "
                "numbers), colour (rgb or bgr), person and size (height, width)"
            ) from None


class ONNXDetector:
    """Keeps the picture's shape (letterbox, at the left and top), finds people, the best first.

    Args:
        path: an ONNX file; raises InputError where it is none, or not a detector in a known layout.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        if not path.is_file():
            raise InputError(f"no detector file '{path}'")
        self._settings = Settings.beside(path)
        self.name = path.name
        core = openvino.Core()
        try:
            model = core.read_model(path)
            (given,) = model.inputs
            shape = given.partial_shape
            self._batched = shape.rank.get_length() == 4
            sides = list(shape)[-2:]
            fixed = not any(side.is_dynamic for side in sides)
            self._size = tuple(s.get_length() for s in sides) if fixed else self._settings.size
            model.reshape([1, 3, *self._size] if self._batched else [3, *self._size])
            self._network = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"'{path}' is not an ONNX detector of one picture: {_first_line(error)}"
            ) from None

    def __call__(self, frame: Frame) -> Boxes:
        """People in a frame: (N, 4) left, top, right, bottom in pixels of the frame, (N,) scores."""
        picture, scale = self._letterbox(frame.image)
        results = self._network(picture)
        outputs = [np.asarray(results[i]) for i in range(len(self._network.outputs))]
        boxes, scores = decode(outputs, self._settings.person, self.name)
        keep = box_nms(boxes, scores, NMS)
        height, width = frame.image.shape[:2]
        boxes = np.clip(boxes[keep] / scale, 0, (width, height) * 2)
        return boxes.astype(np.float32), scores[keep].astype(np.float32)

    def _letterbox(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        (height, width), (h, w) = image.shape[:2], self._size
        scale = min(h / height, w / width)
        size = min(w, round(width * scale)), min(h, round(height * scale))
        canvas = np.full((h, w, 3), FILL, np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(image, size)
        if self._settings.colour == "rgb":
            canvas = canvas[..., ::-1]
        mean, std = (np.array(v, np.float32) for v in (self._settings.mean, self._settings.std))
        picture = ((canvas - mean) / std).astype(np.float32).transpose(2, 0, 1)
        return np.ascontiguousarray(picture[None] if self._batched else picture), scale

    def __str__(self) -> str:
        return f"{self.name}, OpenVINO on CPU"


def decode(outputs: list[NDArray], person: int | None, name: str) -> Boxes:
    """Corners (N, 4) in pixels of the input and (N,) scores of people, before NMS.

    Args:
        outputs: a network's outputs in a layout of the module's text.
        person: the class's number, None for the layout's usual one.
        name: for the InputError that another layout raises.
    """
    batched = any(output.ndim == 3 for output in outputs)
    flat = [output[0] for output in outputs] if batched else outputs
    found = _listed(flat) if len(outputs) > 1 else _dense(flat[0])
    if found is None:
        shapes = [output.shape for output in outputs]
        raise InputError(f"'{name}' gives outputs {shapes}: not a layout of detectors that is known here")
    boxes, scores, labels, usual = found
    people = (labels == (usual if person is None else person)) & (scores >= LEAST_SCORE)
    return boxes[people], scores[people]


_Found = tuple[NDArray, NDArray, NDArray, int]
"""Corners (N, 4), scores (N,), labels (N,), the usual label of a person."""


def _listed(outputs: list[NDArray]) -> _Found | None:
    """Boxes, labels and perhaps scores as arrays of their own; None for any others."""
    corners = next((o for o in outputs if o.ndim == 2 and o.shape[1] in (4, 5)), None)
    if corners is None:
        return None
    vectors = [o for o in outputs if o.shape == (len(corners),)]
    labels, scores = (next((v for v in vectors if v.dtype.kind in kinds), None) for kinds in ("iu", "f"))
    if labels is not None and corners.shape[1] == 5:
        return corners[:, :4], corners[:, 4], labels, 0
    if labels is not None and scores is not None:
        return corners, scores, labels, 1
    return None


def _dense(table: NDArray) -> _Found | None:
    """One array with a row, or a column, for each box; None for any other."""
    if table.ndim != 2:
        return None
    rows, columns = table.shape
    if columns == 6 and rows <= MOST_AFTER_NMS:
        return table[:, :4], table[:, 4], table[:, 5].round(), 0
    if 4 < rows < columns:  # YOLOv8: a column for each box
        table, classes = table.T, table[4:].T
    elif rows >= columns > 5:
        classes = table[:, 5:] * table[:, 4:5]
    else:
        return None
    half = table[:, 2:4] / 2
    boxes = np.concatenate((table[:, :2] - half, table[:, :2] + half), axis=1)
    labels = classes.argmax(axis=1)
    return boxes, classes[np.arange(len(classes)), labels], labels, 0


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
