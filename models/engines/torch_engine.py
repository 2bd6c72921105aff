"""PyTorch as engine: folded batch norm, channels-last, bf16 or fp16 where chosen."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.engines.image_network import ImageNetwork

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchNetwork:
    """Runs an image network eagerly on a device."""

    def __init__(self, network: ImageNetwork, device: str, precision: str) -> None:
        self.device = torch.device(device)
        self.dtype = DTYPES[precision]
        inner = fold_batch_norm(network.network)
        self.network = ImageNetwork(inner, (0, 0, 0), (1, 1, 1))
        self.network.load_state_dict({"mean": network.mean, "scale": network.scale}, strict=False)
        self.network.swap = network.swap
        self.network.eval().to(self.device)
        inner.to(self.dtype).to(memory_format=torch.channels_last)

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
            x = self.network.normalise(batch).to(self.dtype).contiguous(memory_format=torch.channels_last)
            outputs = self.network.network(x)
            outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
            return tuple(output.float().cpu().numpy() for output in outputs)


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """A copy for inference whose batch norms are folded into the convolutions before them.

    A network that `torch.fx` cannot follow comes back as a plain copy.
    """
    try:
        traced = fx.symbolic_trace(copy.deepcopy(network).eval())
    except Exception:  # control flow that depends on data, as in two-stage detectors: fx raises many kinds
        return copy.deepcopy(network).eval()  # the copy that was being followed may hold what fx left in it
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        before = node.args[0]
        convolution = modules.get(str(before.target)) if before.op == "call_module" else None
        if not isinstance(convolution, (nn.Conv2d, nn.ConvTranspose2d)) or len(before.users) > 1:
            continue
        transposed = isinstance(convolution, nn.ConvTranspose2d)
        parent, _, name = str(before.target).rpartition(".")
        fused = fuse_conv_bn_eval(convolution, modules[node.target], transpose=transposed)
        setattr(modules[parent], name, fused)
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced
