"""Run networks fast: ``heatmaps = engine(crops)``, on PyTorch, OpenVINO or ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.description import PoseDescription
from models.engines.choice import Choice, choose

if TYPE_CHECKING:
    from torch import nn

    from models.engines.image_network import ImageNetwork
    from models.pose_network import PoseNetwork


class Runner(Protocol):
    """A network ready to run: (N, H, W, 3) uint8 BGR pictures in, one array for each of its outputs out."""

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]: ...


class CompiledNetwork:
    """Any image network on an engine; ``str()`` says in one line what was chosen."""

    def __init__(self, runner: Runner, choice: Choice) -> None:
        self.runner = runner
        self.choice = choice

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Every output, float32, for (N, H, W, 3) uint8 BGR pictures, one at least."""
        return self.runner(images)

    def __str__(self) -> str:
        return str(self.choice)


class Engine:
    """A keypoint network on an engine.

    Attributes:
        description: what the network expects and gives.
        network: the compiled network.
    """

    def __init__(self, network: CompiledNetwork, description: PoseDescription) -> None:
        self.network = network
        self.description = description

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 BGR crops to (N, K, H/stride, W/stride) heat maps; N may be 0."""
        if len(crops) == 0:
            return np.zeros((0, len(self.description.keypoints), *self.description.heatmap_size), np.float32)
        return self.network(crops)[0]

    def __str__(self) -> str:
        return str(self.network)


def create_engine(
    network: PoseNetwork, engine: str = "auto", device: str = "auto", precision: str = "auto"
) -> Engine:
    """Put a keypoint network on an engine.

    Args:
        network: from `models.checkpoints.load_pose_network`.
        engine: auto, torch, openvino or onnx.
        device: auto, cpu, cuda (or cuda:1 …) or mps.
        precision: auto, fp32, bf16, fp16 or int8, see `models.engines.choice.choose`.

    Raises InputError for what does not exist here.
    """
    d = network.description
    compiled = compile_network(network, d.mean, d.std, d.colour, d.input_size, engine, device, precision)
    return Engine(compiled, d)


def load_engine(
    name_or_path: str | os.PathLike[str],
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Engine:
    """A keypoint network ready to run: of the zoo, a checkpoint, an exported ``.onnx`` or ``.xml``.

    Args:
        name_or_path: see `models.checkpoints.load_pose_network`, which also takes the options.
        engine, device, precision: as for `create_engine`.

    Raises InputError for what does not exist here, and for an exported model with other inputs or outputs
    than uint8 crops and heat maps.
    """
    if Path(name_or_path).suffix in (".onnx", ".xml"):
        from models.engines.exported import load_exported

        return load_exported(Path(name_or_path), engine, device, precision, **options)
    from models.checkpoints import load_pose_network

    return create_engine(load_pose_network(name_or_path, **options), engine, device, precision)


def compile_network(
    network: nn.Module,
    mean: Sequence[float],
    std: Sequence[float],
    colour: Literal["rgb", "bgr"] = "rgb",
    input_size: tuple[int, int] | None = None,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    batch: int | None = None,
) -> CompiledNetwork:
    """Put any image network on an engine.

    Args:
        network: (N, 3, H, W) float, normalised → a tensor or a tuple of tensors.
        mean, std: of each channel on the scale 0–255, in the network's own channel order.
        colour: the network's channel order; pictures are always given as BGR.
        input_size: height and width, or None where they vary from call to call.
        engine, device, precision: as for `create_engine`.
        batch: pictures a call where the network can take that many only, as torchvision's detectors do.
    """
    from models.engines.image_network import ImageNetwork

    choice = choose(engine, device, precision)
    module = ImageNetwork(network.eval(), mean, std, colour).eval()
    return CompiledNetwork(_runner(module, input_size, batch, choice), choice)


def _runner(
    module: ImageNetwork, input_size: tuple[int, int] | None, batch: int | None, choice: Choice
) -> Runner:
    if choice.engine == "openvino":
        from models.engines.openvino_engine import OpenVINONetwork, converted, quantised

        path = quantised(module) if choice.precision == "int8" else converted(module, input_size, batch)
        return OpenVINONetwork(path, choice.precision)
    if choice.engine == "onnx":
        from models.engines.onnx_engine import ONNXNetwork
        from models.export import to_onnx

        return ONNXNetwork(to_onnx(module, input_size, batch=batch))
    from models.engines.torch_engine import TorchNetwork

    return TorchNetwork(module, choice.device, choice.precision)
