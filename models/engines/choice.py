"""Which engine, device and precision a network runs on."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass

from models.errors import InputError

ENGINES = ("auto", "torch", "openvino", "onnx")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
_INSTALL = {"openvino": "pip install openvino", "onnx": "pip install onnx onnxruntime"}
_MODULES = {"openvino": ("openvino",), "onnx": ("onnx", "onnxruntime")}


@dataclass(frozen=True)
class Choice:
    """Settled values: no "auto" left."""

    engine: str
    device: str
    precision: str

    def __str__(self) -> str:
        names = {"torch": "PyTorch", "openvino": "OpenVINO", "onnx": "ONNX Runtime"}
        return f"{names[self.engine]} {self.precision} on {self.device.upper()}"


def choose(engine: str = "auto", device: str = "auto", precision: str = "auto") -> Choice:
    """Settle engine, device and precision.

    ``auto`` takes a GPU where PyTorch has one, else OpenVINO on the CPU, else PyTorch on the CPU; bf16 where
    the CPU or GPU computes in it, fp16 on other GPUs, fp32 elsewhere. int8 is OpenVINO's, never automatic:
    the network must have been quantised before (`models.quantisation`).

    Raises InputError for an unknown value, a combination that does not exist, or a missing package or device.
    """
    for name, value, allowed in (
        ("engine", engine, ENGINES),
        ("device", device, DEVICES),
        ("precision", precision, PRECISIONS),
    ):
        if re.sub(r"^cuda:\d+$", "cuda", value) not in allowed:
            raise InputError(f"unknown {name} '{value}': choose from {', '.join(allowed)}")
    if engine in _MODULES and not _installed(engine):
        raise InputError(f"engine '{engine}' is not installed here: {_INSTALL[engine]}")
    if device == "auto":
        device = _best_device() if engine in ("auto", "torch") else "cpu"
    if device != "cpu" and engine not in ("auto", "torch"):
        raise InputError(f"engine '{engine}' runs on the cpu only: use --engine torch for {device}")
    _check_device(device)
    if engine == "auto":
        engine = "openvino" if device == "cpu" and _installed("openvino") else "torch"
    if precision == "auto":
        precision = _best_precision(engine, device)
    if precision == "fp16" and device == "cpu":
        raise InputError("precision 'fp16' needs a GPU: choose fp32 or bf16 on the cpu")
    if precision == "int8" and engine != "openvino":
        raise InputError(f"precision 'int8' needs the engine openvino on the cpu, not {engine} on {device}")
    if engine == "onnx" and precision != "fp32":
        raise InputError(f"ONNX Runtime on the cpu computes in fp32, not {precision}")
    return Choice(engine, device, precision)


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 natively (AVX-512 BF16, AMX or the Arm equivalent)."""
    if _installed("openvino"):
        import openvino

        return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    import torch

    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _installed(engine: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in _MODULES[engine])


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_device(device: str) -> None:
    if device == "cpu":
        return
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device '{device}': PyTorch finds no CUDA GPU here; use --device cpu")
    if device.startswith("cuda:") and int(device[5:]) >= torch.cuda.device_count():
        raise InputError(f"device '{device}': there are {torch.cuda.device_count()} GPUs, counted from 0")
    if device == "mps" and not torch.backends.mps.is_available():
        raise InputError("device 'mps': PyTorch finds no Apple GPU here; use --device cpu")


def _best_precision(engine: str, device: str) -> str:
    if engine == "onnx":
        return "fp32"
    if device == "cpu":
        return "bf16" if cpu_has_bf16() else "fp32"
    if device.startswith("cuda"):
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "fp16"
