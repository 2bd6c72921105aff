"""Export a keypoint network to a file that runs without this project, and compare it with PyTorch at once.

| Kind | File | Runs with |
|---|---|---|
| onnx | ``.onnx`` | ONNX Runtime, OpenVINO, … |
| torchscript | ``.torchscript`` | PyTorch, from C++ too |
| openvino | ``.xml`` and ``.bin`` | OpenVINO |

Input: ``crops`` (N, H, W, 3) uint8 BGR; with ``preprocessing=False`` ``input`` (N, 3, H, W) float32,
normalised. Output: ``heatmaps`` (N, K, h, w); with ``decoding=True`` ``keypoints`` (N, K, 2), pixels of the
crop, and ``scores`` (N, K). The network's description is in the file's metadata.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.description import PoseDescription
from models.engines.image_network import ImageNetwork
from models.errors import InputError
from models.files import whole_file
from models.pose_network import PoseNetwork

KINDS = {".onnx": "onnx", ".torchscript": "torchscript", ".xml": "openvino"}
IN_GRAPH_DECODINGS = ("argmax", "quarter", "quarter_mmpose", "quarter_mindpose")
TOLERANCE = 1e-3  # largest difference, as a part of the output's largest value
OPSET = 17


@dataclass(frozen=True)
class Export:
    """What was written, and how far it is from PyTorch.

    Attributes:
        path: the file.
        differences: output name → largest absolute difference on random input.
    """

    path: Path
    differences: dict[str, float]


def export(
    network: PoseNetwork,
    path: Path,
    preprocessing: bool = True,
    decoding: bool = False,
    tolerance: float = TOLERANCE,
) -> Export:
    """Write a network as the kind that the path's suffix names, run it, and compare.

    Args:
        network: with its description.
        path: ends in .onnx, .torchscript or .xml; replaced when the new file is whole and right.
        preprocessing: take uint8 BGR crops.
        decoding: give keypoints and scores.
        tolerance: largest difference allowed, as a part of the output's largest value.

    Raises InputError for an unknown suffix, a decoding that cannot go into the graph, a tolerance that is not
    positive, or too large a difference.
    """
    kind = kind_of(path)
    if not 0 < tolerance < inf:
        raise InputError(f"tolerance {tolerance}: give a positive number, such as {TOLERANCE}")
    module = graph(network, preprocessing, decoding)
    names = output_names(decoding)
    with whole_file(path) as beside:
        _write(kind, module, beside, network.description, preprocessing, names)
        differences = compare(module, beside, network.description, preprocessing, names, tolerance)
    return Export(path, differences)


def kind_of(path: Path) -> str:
    """The kind of model that a path's suffix names; raises InputError for any other."""
    if path.suffix not in KINDS:
        raise InputError(f"cannot export to '{path.name}': choose a name that ends in {', '.join(KINDS)}")
    return KINDS[path.suffix]


def graph(network: PoseNetwork, preprocessing: bool, decoding: bool) -> nn.Module:
    """The module that is exported: the network with what was asked for before and behind it."""
    d = network.description
    inner: nn.Module = network.eval()
    if decoding:
        inner = DecodedNetwork(inner, d)
    if not preprocessing:
        return inner.eval()
    return ImageNetwork(inner, d.mean, d.std, d.colour).eval()


def output_names(decoding: bool) -> list[str]:
    return ["keypoints", "scores"] if decoding else ["heatmaps"]


class DecodedNetwork(nn.Module):
    """A network that gives keypoints: `models.heatmaps.decode_quarter` and `cells_to_input` in tensor
    operations.

    ``forward`` takes what the network takes and gives (N, K, 2) x, y in pixels of the crop and (N, K) scores.
    """

    cell_size: Tensor

    def __init__(self, network: nn.Module, description: PoseDescription) -> None:
        super().__init__()
        if description.decoding not in IN_GRAPH_DECODINGS:
            known = ", ".join(IN_GRAPH_DECODINGS)
            raise InputError(f"decoding '{description.decoding}' cannot go into the graph: choose {known}")
        self.network = network
        self.decoding = description.decoding
        self.peak = description.peak
        self.offset = 0.5 if description.half_pixel and not description.udp else 0.0
        self.register_buffer("cell_size", torch.tensor(description.cell_size, dtype=torch.float32))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        heatmaps = self.network(x)
        n, k, height, width = heatmaps.shape
        flat = heatmaps.reshape(n, k, height * width)
        scores, best = flat.max(dim=2)
        column = best % width
        row = torch.div(best, width, rounding_mode="floor")
        cells = torch.stack((column, row), dim=2).to(heatmaps.dtype)
        if self.decoding != "argmax":
            cells = cells + 0.25 * self._direction(flat, best, column, row, height, width)
        cells = torch.where((scores > 0).unsqueeze(2), cells, torch.zeros_like(cells))
        return (cells + self.offset) * self.cell_size - self.offset, scores / self.peak

    def _direction(self, flat: Tensor, best: Tensor, x: Tensor, y: Tensor, height: int, width: int) -> Tensor:
        """−1, 0 or 1 towards the higher neighbour on each axis, 0 at the border as the decoding has it."""
        first = 0 if self.decoding == "quarter_mindpose" else 1
        in_x, in_y = (x > first) & (x < width - 1), (y > first) & (y < height - 1)
        if self.decoding == "quarter":
            in_x = in_y = in_x & in_y
        elif self.decoding == "quarter_mmpose":
            in_x, in_y = in_x & (y > 0), in_y & (x > 0)
        directions = []
        for inside, step in ((in_x, 1), (in_y, width)):
            after, before = (
                flat.gather(2, (best + offset).clamp(0, height * width - 1).unsqueeze(2)).squeeze(2)
                for offset in (step, -step)
            )
            directions.append(torch.sign(after - before) * inside)
        return torch.stack(directions, dim=2)


def _write(
    kind: str, module: nn.Module, path: Path, d: PoseDescription, preprocessing: bool, names: list[str]
) -> None:
    if kind == "onnx":
        path.write_bytes(to_onnx(module, d.input_size, preprocessing, names, d))
    elif kind == "torchscript":
        traced = trace(module, _example(d.input_size, preprocessing))
        # not to the file: where the disk is full, PyTorch's writer ends the whole process
        path.write_bytes(traced.save_to_buffer(_extra_files={"description": d.to_json().encode()}))
    else:
        _write_openvino(module, path, d, preprocessing, names)


def to_onnx(
    module: nn.Module,
    input_size: tuple[int, int] | None,
    preprocessing: bool = True,
    names: list[str] | None = None,
    description: PoseDescription | None = None,
    batch: int | None = None,
) -> bytes:
    """A module as an ONNX model with a dynamic batch.

    Args:
        module: takes uint8 crops, or with ``preprocessing=False`` normalised float input.
        input_size: height and width, or None where they vary.
        names: of the outputs.
        description: goes into the metadata.
        batch: pictures a call where it is fixed.
    """
    source = "crops" if preprocessing else "input"
    example = _example(input_size or (256, 256), preprocessing, batch or 2)
    axes: dict[str, dict[int, str]] = {source: {} if batch else {0: "n"}}
    if input_size is None:
        first = 1 if preprocessing else 2
        axes[source] |= {first: "height", first + 1: "width"}
    if not batch:
        axes |= {name: {0: "n"} for name in names or []}
    buffer: Any = io.BytesIO()  # the exporter's annotations leave out that it takes one
    with _quietly():
        torch.onnx.export(
            module, (example,), buffer, dynamo=False, input_names=[source], output_names=names,
            dynamic_axes=axes, opset_version=OPSET,
        )  # fmt: skip
    return buffer.getvalue() if description is None else _with_metadata(buffer.getvalue(), description)


def _with_metadata(model: bytes, description: PoseDescription) -> bytes:
    try:
        import onnx
    except ImportError:
        raise InputError("writing ONNX files needs the package onnx: pip install onnx onnxruntime") from None
    proto = onnx.load_from_string(model)
    onnx.helper.set_model_props(proto, {"description": description.to_json()})
    return proto.SerializeToString()


def _write_openvino(
    module: nn.Module, path: Path, d: PoseDescription, preprocessing: bool, names: list[str]
) -> None:
    from models.engines.openvino_engine import convert, write_ir

    size = d.input_size
    shape = [-1, *size, 3] if preprocessing else [-1, 3, *size]
    model = convert(module, _example(size, preprocessing), shape)
    model.inputs[0].get_tensor().set_names({"crops" if preprocessing else "input"})
    for output, name in zip(model.outputs, names, strict=True):
        output.get_tensor().set_names({name})
    model.set_rt_info(d.to_json(), "description")
    write_ir(model, path)


def trace(module: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """The module as TorchScript, from what it does with the example."""
    with _quietly():
        return torch.jit.trace(module, example, check_trace=False)


@contextmanager
def _quietly() -> Iterator[None]:
    """Inference without PyTorch's deprecations of TorchScript, whose successor needs two more packages."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        yield


def _example(input_size: tuple[int, int], preprocessing: bool, batch: int = 2) -> Tensor:
    if preprocessing:
        return torch.zeros((batch, *input_size, 3), dtype=torch.uint8)
    return torch.zeros((batch, 3, *input_size))


def compare(
    module: nn.Module, path: Path, d: PoseDescription, preprocessing: bool, names: list[str], tolerance: float
) -> dict[str, float]:
    """Run a written file and PyTorch on the same random pictures.

    Returns: output name → largest absolute difference.

    Raises InputError where a difference exceeds the tolerance. Two cells of a heat map may be as high to the
    last digits, so one keypoint in fifty may lie elsewhere.
    """
    given = _pictures(d)
    if not preprocessing:
        given = ImageNetwork(nn.Identity(), d.mean, d.std, d.colour)(torch.from_numpy(given)).numpy()
    with torch.inference_mode():
        result = module(torch.from_numpy(given))
    expected = [o.numpy() for o in (result if isinstance(result, tuple) else (result,))]
    differences = {}
    for name, want, have in zip(names, expected, _run(path, given), strict=True):
        scale = max(float(np.abs(want).max()), 1e-12)
        difference = np.abs(want - have)
        differences[name] = float(difference.max())
        if (difference > tolerance * scale).mean() > (0.02 if name == "keypoints" else 0):
            raise InputError(
                f"{name} of the {KINDS[path.suffix]} model differ from PyTorch's by {differences[name]:.2g} "
                f"(values up to {scale:.2g}; allowed {tolerance:g} of that); nothing was written"
            )
    return differences


def _pictures(d: PoseDescription, count: int = 3) -> NDArray:
    """Random pictures of coloured squares, (count, H, W, 3) uint8."""
    height, width = d.input_size
    squares = np.random.default_rng(0).integers(0, 256, (count, height // 16, width // 16, 3), np.uint8)
    return squares.repeat(16, axis=1).repeat(16, axis=2)


def _run(path: Path, given: NDArray) -> list[NDArray]:
    kind = KINDS[path.suffix]
    if kind == "onnx":
        from models.engines.onnx_engine import ONNXNetwork

        return list(ONNXNetwork(path)(given))
    if kind == "openvino":
        import openvino

        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results: Any = compiled(given)
        return [results[i] for i in range(len(compiled.outputs))]
    with _quietly():
        outputs = torch.jit.load(str(path))(torch.from_numpy(given))
    return [o.numpy() for o in (outputs if isinstance(outputs, tuple) else (outputs,))]
