#!/usr/bin/env python
"""Keypoints of one picture with onnxruntime and NumPy alone: no PyTorch, no OpenCV, not this project.

First, where the project is:   python -m models export default pose.onnx --decode
Then, with this file alone:    python deploy_onnx.py pose.onnx picture.npy --box X,Y,W,H

The picture is an array (H, W, 3) uint8 BGR saved with numpy.save, or a file for Pillow where that is here.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np


def crop(
    image: np.ndarray, box: tuple[float, ...], size: tuple[int, int], padding: float, half_pixel: bool
) -> Any:
    """Cut a person's box out, enlarged to the network's aspect ratio and by the padding, bilinearly.

    Returns the crop (height, width, 3) uint8, and the scale and offset that take its pixels to the picture's.
    """
    height, width = size
    left, top, w, h = box
    w = max(w, h * width / height) * padding
    scale = w / width
    shift = 0.5 if half_pixel else 0.0
    offset = np.array([left + box[2] / 2, top + box[3] / 2]) - (np.array([width, height]) / 2 - shift) * scale
    x = np.arange(width) * scale + offset[0]
    y = np.arange(height) * scale + offset[1]
    return _bilinear(image, x, y), scale, offset


def _bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sample at every (y, x), zero outside the picture."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0))).astype(np.float32)
    x, y = np.clip(x, -1, image.shape[1]) + 1, np.clip(y, -1, image.shape[0]) + 1
    x0, y0 = np.minimum(x.astype(int), padded.shape[1] - 2), np.minimum(y.astype(int), padded.shape[0] - 2)
    fx, fy = (x - x0)[None, :, None], (y - y0)[:, None, None]
    rows0, rows1 = padded[y0], padded[y0 + 1]
    upper = rows0[:, x0] * (1 - fx) + rows0[:, x0 + 1] * fx
    lower = rows1[:, x0] * (1 - fx) + rows1[:, x0 + 1] * fx
    return np.rint(upper * (1 - fy) + lower * fy).astype(np.uint8)


def read_image(path: str) -> np.ndarray:
    if path.endswith(".npy"):
        return np.load(path, allow_pickle=False)
    try:
        from PIL import Image
    except ImportError:
        sys.exit(f"error: reading '{path}' needs Pillow (pip install pillow), or give a .npy array")
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))[:, :, ::-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="exported with: python -m models export NAME FILE.onnx --decode")
    parser.add_argument("image")
    parser.add_argument("--box", required=True, metavar="X,Y,W,H", help="the person's box in pixels")
    args = parser.parse_args()
    try:
        import onnxruntime
    except ImportError:
        sys.exit("error: this needs ONNX Runtime: pip install onnxruntime numpy")
    try:
        box = tuple(float(v) for v in args.box.split(","))
        image = read_image(args.image)
        session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
        if len(box) != 4:
            raise ValueError(f"--box '{args.box}': give four numbers")
        description = json.loads(session.get_modelmeta().custom_metadata_map["description"])
        if description["udp"]:
            raise ValueError("this example does not cut crops by UDP's rule")
        size, half_pixel = tuple(description["input_size"]), description["half_pixel"]
        picture, scale, offset = crop(image, box, size, description["padding"], half_pixel)
        keypoints, scores = session.run(["keypoints", "scores"], {"crops": picture[None]})
    except Exception as error:
        sys.exit(f"error: {str(error).splitlines()[0]}")
    points = keypoints[0] * scale + offset
    print(json.dumps({"keypoints": np.round(points, 2).tolist(), "scores": np.round(scores[0], 4).tolist()}))


if __name__ == "__main__":
    main()
