"""ONNX Runtime as engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class ONNXNetwork:
    """An ONNX model with uint8 pictures in; any batch size."""

    def __init__(self, model: Path | bytes) -> None:
        import onnxruntime

        content = model if isinstance(model, bytes) else str(model)
        self.session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self.input_name = self.session.get_inputs()[0].name

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        return tuple(self.session.run(None, {self.input_name: np.ascontiguousarray(images)}))
