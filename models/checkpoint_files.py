"""Read a checkpoint file of any program into tensors by name, running no code that it may carry.

| Suffix | Written by | Layout |
|---|---|---|
| ``.safetensors`` | this project, others | tensors by key; ours carry a description in the metadata |
| ``.pth .pt .pth.tar .bin`` | PyTorch | a state dict, or a dict with one under a name in STATE_DICT_KEYS |
| ``.pkl`` | MegEngine | a pickle of ``{"state_dict": {key: array}}`` or of the inner dict |
| ``.pdparams`` | PaddlePaddle | a pickle of ``{key: array}`` |
| ``.ckpt`` | MindSpore | protobuf messages: tag (name), dimensions, type, little-endian data |
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.array_pickles import read_array_pickle
from models.errors import InputError
from models.files import whole_file
from models.mindspore import read_mindspore

STATE_DICT_KEYS = (  # the first that is there counts; "average" is training's
    "average", "state_dict", "model", "model_state_dict", "params", "state_dict_ema", "ema_state_dict",
)  # fmt: skip
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")  # prefixes of DataParallel, torch.compile, Lightning
DESCRIPTION_KEY = "description"  # of our own weights and training checkpoints
EXPORTED = (".onnx", ".xml", ".torchscript")  # what `models.export` writes: no checkpoints


@dataclass(frozen=True)
class CheckpointFile:
    """Tensors by the file's own keys, and texts that came with them, such as our own description."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


def read_checkpoint(path: Path) -> CheckpointFile:
    """Read a file.

    Raises InputError where it is missing, truncated, of another kind, carries code or weights that are not
    finite.
    """
    file = _read(path)
    for key, tensor in file.tensors.items():
        if not tensor.isfinite().all():
            raise InputError(f"'{path}' is broken: '{key}' holds values that are not finite numbers")
    return file


def _read(path: Path) -> CheckpointFile:
    if not path.is_file():
        raise InputError(f"no checkpoint file '{path}'")
    if path.stat().st_size == 0:
        raise InputError(f"'{path}' is empty")
    if path.suffix in EXPORTED:
        raise InputError(f"'{path}' is an exported model: give the checkpoint that it was made from")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"  # PyTorch's, whatever the name
    if zipped:
        return _read_torch(path)
    if path.suffix in (".pkl", ".pdparams"):
        return CheckpointFile(_from_arrays(read_array_pickle(path), path), {})
    if path.suffix == ".ckpt":
        return CheckpointFile(_from_arrays(read_mindspore(path), path), {})
    return _read_torch(path)


def save_torch(content: Any, path: Path) -> None:
    """Write a PyTorch file whole or not at all; raises InputError where it cannot be written."""
    with whole_file(path) as beside, beside.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # a full disk, which PyTorch's writer hides
                raise error.__context__ from None
            raise


def _read_safetensors(path: Path) -> CheckpointFile:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return CheckpointFile({key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"'{path}' is damaged or not a safetensors file: {error}") from None


def _read_torch(path: Path) -> CheckpointFile:
    _check_complete(path)
    try:
        with torch.serialization.safe_globals(_harmless_globals()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds; each means the same to the user
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "Unsupported" in str(error) or "weights_only" in str(error) or "Weights only" in str(error):
            culprit = _unsupported(str(error))
            raise InputError(
                f"'{path}' carries more than weights ({culprit}) and is refused: save its state_dict alone"
            ) from None
        raise InputError(f"'{path}' is damaged or not a PyTorch checkpoint: {reason}") from None
    return CheckpointFile(_state_dict(content, path), _description(content))


def _description(content: Any) -> dict[str, str]:
    """Our own: beside the weights in training checkpoints, with their metadata in what `convert` wrote."""
    for place in (content, getattr(_weights(content), "_metadata", None)):
        if isinstance(place, Mapping) and isinstance(text := place.get(DESCRIPTION_KEY), str):
            return {DESCRIPTION_KEY: text}
    return {}


def _check_complete(path: Path) -> None:
    """A truncated zip archive is no archive at all; say so instead of calling it an unknown pickle."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04" and not zipfile.is_zipfile(path):
        raise InputError(f"'{path}' is truncated: download or copy it again")
    if start[:1] in (b"<", b"{"):
        raise InputError(f"'{path}' is text, not a checkpoint")


def _unsupported(message: str) -> str:
    match = re.search(r"(?:GLOBAL|global:?) ([\w.]+)", message)
    return match[1] if match else "objects that need code"


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    tensors = _unwrapped({key: v for key, v in _named(content, path).items() if isinstance(v, Tensor)})
    if not tensors:
        raise InputError(f"'{path}' holds no weights of a network")
    return tensors


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights by the network's own names: without prefixes of wrappers, and without what is no weight.

    That is a name without a dot, such as ``epoch`` or MMCV's ``ema_backbone_conv1_weight``, and the figures
    of MMPose's preprocessing.
    """
    weights = {k: v for k, v in tensors.items() if "." in k and not k.startswith("data_preprocessor.")}
    for prefix in WRAPPERS:
        if weights and all(key.startswith(prefix) for key in weights):
            return _unwrapped({key.removeprefix(prefix): value for key, value in weights.items()})
    return weights


def _from_arrays(content: Any, path: Path) -> dict[str, Tensor]:
    """Arrays by name, from another framework, as tensors; vectors stored as (1, C, 1, 1) become (C,)."""
    named = {k: v[1] if isinstance(v, tuple) and len(v) == 2 else v for k, v in _named(content, path).items()}
    arrays = {k: v for k, v in named.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    if not arrays:
        raise InputError(f"'{path}' holds no arrays of numbers")
    return {key: torch.from_numpy(np.array(_squeeze(value), np.float32)) for key, value in arrays.items()}


def _named(content: Any, path: Path) -> dict[str, Any]:
    weights = _weights(content)
    if not isinstance(weights, Mapping):
        raise InputError(f"'{path}' holds a {type(weights).__name__}, not weights by name")
    return {str(key): value for key, value in weights.items()}


def _weights(content: Any) -> Any:
    """The mapping from names to weights, which training programs put into one or two others."""
    for _ in range(2):
        if isinstance(content, Mapping):
            inner = (content[key] for key in STATE_DICT_KEYS if isinstance(content.get(key), Mapping))
            content = next(inner, content)
    return content


def _squeeze(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4 and array.shape[0] == 1 and array.shape[2:] == (1, 1):
        return array.reshape(-1)
    return array


class _Ignored:
    """Stands for a training log's object in a checkpoint: keeps nothing, runs nothing."""

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _harmless_globals() -> list[Any]:
    """What checkpoints of training programs hold beside tensors: NumPy numbers, MMEngine's log buffers."""
    reconstruct, scalar = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "u1", "?")]
    by_name = [
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for name, function in (("_reconstruct", reconstruct), ("scalar", scalar))
    ]
    buffer = (_Ignored, "mmengine.logging.history_buffer.HistoryBuffer")
    return [buffer, *by_name, np.ndarray, np.dtype, *dtypes]
