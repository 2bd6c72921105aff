"""RAFT (Teed and Deng 2020) as a dense flow field: torchvision's small network with its published weights."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import zoo
from models.checkpoint_files import read_checkpoint
from models.engines.choice import choose
from tracker.flow import SmallView

NAME = "raft_small"
MULTIPLE, LEAST = 8, 128  # pixels: what the network's pyramid asks of the sides


class RaftField:
    """``field(source, target) -> (h, w, 2)`` movement in small pixels; fetches the weights on first use.

    Args:
        device: auto, cpu, cuda (or cuda:1 …) or mps; raises InputError for one that is not here.
    """

    def __init__(self, device: str = "auto") -> None:
        from torchvision.models.optical_flow import raft_small

        self._device = choose("torch", device, "fp32").device
        self._network = raft_small(weights=None).eval().to(self._device)
        self._network.load_state_dict(read_checkpoint(zoo.fetch(NAME)).tensors)

    def __call__(self, source: SmallView, target: SmallView) -> NDArray[np.float32]:
        height, width = source.grey.shape
        size = tuple(max(LEAST, -(-side // MULTIPLE) * MULTIPLE) for side in (width, height))
        with torch.inference_mode():
            pictures = (self._tensor(view, size) for view in (source, target))
            flow = self._network(*pictures)[-1][0].permute(1, 2, 0).cpu().numpy()
        scale = np.array((width / size[0], height / size[1]), np.float32)
        return cv2.resize(flow, (width, height)).reshape(height, width, 2) * scale

    def _tensor(self, view: SmallView, size: tuple[int, ...]) -> Tensor:
        """(1, 3, H, W) RGB from −1 to 1."""
        picture = np.ascontiguousarray(cv2.resize(view.image, size)[..., ::-1])
        return torch.from_numpy(picture).to(self._device).permute(2, 0, 1)[None] / 127.5 - 1
