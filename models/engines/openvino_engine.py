"""OpenVINO as engine: the CPU's fastest. Converted networks are kept in the cache folder."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.cache import cache_folder
from models.engines.choice import cpu_has_bf16
from models.engines.image_network import ImageNetwork
from models.errors import InputError
from models.export import trace
from models.files import whole_file

log = logging.getLogger(__name__)


class OpenVINONetwork:
    """A compiled OpenVINO model with uint8 pictures in; any batch size."""

    def __init__(self, model_path: Path, precision: str) -> None:
        import openvino

        core = openvino.Core()
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": str(cache_folder() / "openvino"),
        }
        # of an int8 model, what is not quantised
        floats = ("bf16" if cpu_has_bf16() else "fp32") if precision == "int8" else precision
        settings["INFERENCE_PRECISION_HINT"] = {"fp32": "f32", "bf16": "bf16"}[floats]
        self.compiled = core.compile_model(model_path, "CPU", settings)
        self.request = self.compiled.create_infer_request()
        # The binding sets itself up for NumPy on first use, in a way that locks up for ever where two threads
        # do so at once: have it done here.
        _ = openvino.Tensor(np.zeros(1, np.uint8), shared_memory=True).data

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        results = self.request.infer([np.ascontiguousarray(images)], share_inputs=True)
        return tuple(np.asarray(results[i]) for i in range(len(self.compiled.outputs)))


def converted(network: ImageNetwork, input_size: tuple[int, int] | None, batch: int | None = None) -> Path:
    """The network as an OpenVINO model file, converted once and then found in the cache.

    Args:
        network: to convert.
        input_size: height and width, or None where they vary.
        batch: pictures a call, or None where that varies.
    """
    path = cache_folder() / "openvino" / f"{_fingerprint(network, input_size, batch)}.xml"
    if not path.is_file():
        log.info("converting the network for OpenVINO (once; kept in %s)", path.parent)
        save_ir(to_openvino(network, input_size, batch), path)
    return path


def quantised_path(network: ImageNetwork) -> Path:
    """Where the cache has the network's int8 version, or would have it."""
    return cache_folder() / "openvino" / f"{_fingerprint(network, None, None)}.int8.xml"


def quantised(network: ImageNetwork) -> Path:
    """The network's int8 version in the cache; raises InputError where there is none."""
    path = quantised_path(network)
    if not path.is_file():
        raise InputError(
            "this network has no int8 version here yet: make it once with python -m models quantize NETWORK "
            "--images FOLDER (pictures of people)"
        )
    return path


def to_openvino(network: ImageNetwork, input_size: tuple[int, int] | None, batch: int | None = None) -> Any:
    """An `openvino.Model` with (N, H, W, 3) uint8 pictures in."""
    example = torch.zeros((batch or 2, *(input_size or (256, 256)), 3), dtype=torch.uint8)
    return convert(network, example, [batch or -1, *(input_size or (-1, -1)), 3])


def convert(module: nn.Module, example: torch.Tensor, shape: list[int]) -> Any:
    """An `openvino.Model` of a module; −1 in the input's shape stands for any size."""
    import openvino

    traced = trace(module, example)
    return openvino.convert_model(traced, example_input=example, input=[openvino.PartialShape(shape)])


def save_ir(model: Any, path: Path) -> None:
    """Write ``.xml`` and ``.bin``, whole or not at all; raises InputError where they cannot be written."""
    with whole_file(path) as beside:
        write_ir(model, beside)


def write_ir(model: Any, path: Path) -> None:
    """Write ``.xml`` and ``.bin``; raises OSError."""
    import openvino

    try:
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise OSError(f"{error} (disk full?)") from None


def _fingerprint(network: ImageNetwork, input_size: tuple[int, int] | None, batch: int | None) -> str:
    """Changes with anything that changes the converted model: weights, structure, this code, OpenVINO."""
    import inspect

    import openvino

    digest = hashlib.sha256(
        f"{openvino.__version__} {torch.__version__} {input_size} {batch} {network}".encode()
    )
    for kind in sorted({type(module) for module in network.modules()}, key=lambda kind: kind.__qualname__):
        if kind.__module__.startswith("models."):
            digest.update(inspect.getsource(kind).encode())
    digest.update(str(network.swap).encode())
    for key, value in network.state_dict().items():
        digest.update(key.encode())
        digest.update(np.ascontiguousarray(value.cpu().numpy()).data)
    return digest.hexdigest()[:32]
