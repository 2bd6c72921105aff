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
    """(H, W, 3) uint8 BGR; raises ValueError for anything else."""
    if path.endswith(".npy"):
        image = np.load(path, allow_pickle=False)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"'{path}' is {image.dtype} of shape {image.shape}: give uint8 (H, W, 3), BGR")
        return image
    try:
        from PIL import Image
    except ImportError:
        raise ValueError(f"'{path}' needs Pillow (pip install pillow); or give a .npy array") from None
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))[:, :, ::-1]


def read_box(text: str) -> tuple[float, ...]:
    """Left, top, width, height; raises ValueError."""
    try:
        box = tuple(float(number) for number in text.split(","))
    except ValueError:
        box = ()
    if len(box) != 4 or not all(abs(number) <= 1e6 for number in box) or min(box[2:]) <= 0:
        raise ValueError(f"--box '{text}': give left,top,width,height in pixels, the last two above 0")
    return box


def find_keypoints(model: str, image: np.ndarray, box: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2) pixels of the picture and (K,) scores of the person in the box."""
    try:
        import onnxruntime
    except ImportError:
        raise ValueError("this needs ONNX Runtime: pip install onnxruntime numpy") from None
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    if "description" not in facts or "keypoints" not in {output.name for output in session.get_outputs()}:
        raise ValueError(f"'{model}' does not decode: python -m models export NAME FILE.onnx --decode")
    description = json.loads(facts["description"])
    if description["udp"]:
        raise ValueError("this example does not cut crops by UDP's rule")
    size, half_pixel = tuple(description["input_size"]), description["half_pixel"]
    picture, scale, offset = crop(image, box, size, description["padding"], half_pixel)
    keypoints, scores = session.run(["keypoints", "scores"], {"crops": picture[None]})
    return keypoints[0] * scale + offset, scores[0]


def main() -> None:
    """Print the keypoints as JSON; exit status 2 and one line for whatever cannot be used."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="exported with: python -m models export NAME FILE.onnx --decode")
    parser.add_argument("image")
    parser.add_argument("--box", required=True, metavar="X,Y,W,H", help="the person's box in pixels")
    args = parser.parse_args()
    try:
        box, image = read_box(args.box), read_image(args.image)
        points, scores = find_keypoints(args.model, image, box)
    except Exception as error:  # ONNX Runtime's own have no common class
        line = str(error).partition("\n")[0] or type(error).__name__
        print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps({"keypoints": np.round(points, 2).tolist(), "scores": np.round(scores, 4).tolist()}))


if __name__ == "__main__":
    main()
