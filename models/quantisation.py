"""int8 by post-training quantisation with NNCF: an OpenVINO model calibrated on pictures of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.crops import box_to_crop, extract_crops
from models.engines.image_network import ImageNetwork
from models.errors import InputError
from models.pose_network import PoseNetwork

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def quantise(network: PoseNetwork, crops: NDArray[np.uint8], path: Path | None = None) -> tuple[Path, float]:
    """Write a network as an int8 OpenVINO model.

    Weights and activations of convolutions become int8; what is not quantised runs as the engine chooses.

    Args:
        network: with its description.
        crops: (N, H, W, 3) uint8 BGR crops of people to calibrate on; 100 to 300 are enough.
        path: ends in ``.xml``; by default the place in the cache where precision int8 looks for it.

    Returns:
        The file, and the mean distance in cells of the heat maps' peaks from PyTorch's float32 on the crops:
        what quantisation costs before any evaluation. Judge by an evaluation.

    Raises InputError where NNCF is missing, the path has another suffix or there are no crops.
    """
    if path:
        check_suffix(path)
    if len(crops) == 0:
        raise InputError("no pictures to calibrate on: give a folder of photographs of people")
    try:
        import nncf
    except ImportError:
        raise InputError("quantisation needs NNCF: pip install nncf") from None
    from models.engines.openvino_engine import quantised_path, save_ir, to_openvino

    d = network.description
    module = ImageNetwork(network.eval(), d.mean, d.std, d.colour).eval()
    model = to_openvino(module, d.input_size)
    calibration = nncf.Dataset([crops[i : i + 1] for i in range(len(crops))])
    quantised = nncf.quantize(
        model, calibration, subset_size=len(crops), preset=nncf.QuantizationPreset.MIXED
    )
    quantised.inputs[0].get_tensor().set_names({"crops"})
    quantised.outputs[0].get_tensor().set_names({"heatmaps"})
    quantised.set_rt_info(d.to_json(), "description")
    path = path or quantised_path(module)
    save_ir(quantised, path)
    return path, peak_distance(network, path, crops[:32])


def check_suffix(path: Path) -> None:
    """Raise InputError unless the name is an OpenVINO model's."""
    if path.suffix != ".xml":
        raise InputError(f"'{path.name}': int8 models are OpenVINO's: choose a name that ends in .xml")


def peak_distance(network: PoseNetwork, path: Path, crops: NDArray[np.uint8]) -> float:
    """Mean distance in cells between the peaks that PyTorch and a model file find where PyTorch is sure."""
    from models.engines import create_engine
    from models.engines.exported import load_exported
    from models.heatmaps import confidence, decode

    d = network.description
    points, scores = decode(create_engine(network, "torch", "cpu", "fp32")(crops), d.decoding)
    other, _ = decode(load_exported(path)(crops), d.decoding)
    sure = confidence(scores, d.decoding, d.peak) > 0.2
    if not sure.any():
        sure[:] = True
    return float(np.linalg.norm(points - other, axis=-1)[sure].mean())


def crops_of_folder(folder: Path, network: PoseNetwork, most: int = 300) -> NDArray[np.uint8]:
    """Up to so many pictures of a folder as crops, each picture taken for one person's box."""
    d = network.description
    crops = []
    for image in _pictures(folder, most):
        height, width = image.shape[:2]
        window = box_to_crop(np.array([[0, 0, width, height]]), d.input_size, padding=1.0)
        crops.append(extract_crops(image, window, d.input_size, d.half_pixel, udp=d.udp)[0])
    return np.stack(crops) if crops else np.zeros((0, *d.input_size, 3), np.uint8)


def _pictures(folder: Path, most: int) -> Iterator[NDArray[np.uint8]]:
    import cv2

    if not folder.is_dir():
        raise InputError(f"no folder '{folder}'")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    step = max(1, len(paths) // most)
    for path in paths[::step][:most]:
        image = cv2.imread(str(path))
        if image is not None:
            yield np.asarray(image, np.uint8)
