"""The shipped person detector: 'Objects as Points' (Zhou et al. 2019) on SimpleBaseline's own parts.

ResNet-18's first three layers (one block instead of two at stride 4, where it is dear), one narrow block at
stride 32, transposed convolutions back to stride 4 with lateral connections. Every cell of the map gives the
logit of being a person's centre and the distances to the four sides of that person's box, as in TTFNet (Liu
et al. 2020), which learns in a fraction of CenterNet's time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.description import RGB_MEAN, RGB_STD
from models.errors import InputError
from models.pose_resnet import BasicBlock, deconvolutions, residual_layer

STRIDE = 4
LONG_SIDE = 448  # pixels of the pictures that it is meant for: more finds smaller people, slower
MEAN, STD = RGB_MEAN, RGB_STD
DISTANCE_UNIT = 16.0  # pixels of input for one unit of the box branch


class PersonDetector(nn.Module):
    """One-stage, single-class detector.

    ``forward`` takes (N, 3, H, W) float RGB, normalised with MEAN and STD, H and W divisible by 32, and gives
    (N, 5, H/4, W/4): the centre's probability, with all but 3×3 local maxima set to 0 in eval mode (its logit
    in training), then the distances from the cell's middle to the box's left, top, right and bottom in input
    pixels.
    """

    def __init__(self, channels: tuple[int, int, int, int] = (160, 128, 96, 48)) -> None:
        super().__init__()
        context, *up = channels
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = residual_layer(BasicBlock, 64, 64, 1, 1)
        self.layer2 = residual_layer(BasicBlock, 64, 128, 2, 2)
        self.layer3 = residual_layer(BasicBlock, 128, 256, 2, 2)
        self.context = residual_layer(BasicBlock, 256, context, 1, 2)
        inputs = (context, *up[:-1])
        self.up = nn.ModuleList(deconvolutions(i, [o], [4]) for i, o in zip(inputs, up, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in zip((256, 128, 64), up, strict=True))
        self.head = nn.Sequential(
            nn.Conv2d(up[-1], 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)
        )
        self.final_layer = nn.Conv2d(32, 5, 1)
        nn.init.normal_(self.final_layer.weight, std=0.01)
        assert self.final_layer.bias is not None
        with torch.no_grad():  # a centre is rare, a box a few units wide
            self.final_layer.bias.copy_(torch.tensor([-4.6, 1.0, 1.0, 1.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        stride4 = self.layer1(x)
        stride8 = self.layer2(stride4)
        stride16 = self.layer3(stride8)
        x = self.context(stride16)
        for up, lateral, features in zip(self.up, self.lateral, (stride16, stride8, stride4), strict=True):
            x = up(x) + lateral(features)
        x = self.final_layer(self.head(x))
        centre, distances = x[:, :1], nn.functional.softplus(x[:, 1:]) * DISTANCE_UNIT
        if not self.training:
            centre = centre.sigmoid()
            centre = centre * (centre == nn.functional.max_pool2d(centre, 3, 1, 1))
        return torch.cat((centre, distances), 1)


def decode_detections(
    output: NDArray, threshold: float = 0.05, most: int = 100
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes of one image from the detector's output in eval mode.

    Args:
        output: (5, h, w).
        threshold: peaks below it are dropped.
        most: at most so many boxes, best first.

    Returns:
        (N, 4) left, top, right, bottom in pixels of the network's input, and (N,) scores, highest first;
        before NMS.
    """
    width = output.shape[2]
    scores = output[0].ravel()
    cells = np.flatnonzero(scores > threshold)
    cells = cells[np.argsort(-scores[cells], kind="stable")[:most]]
    middle = np.column_stack((cells % width, cells // width)) * STRIDE + (STRIDE - 1) / 2
    left_top, right_bottom = output[1:].reshape(2, 2, -1)[:, :, cells].transpose(0, 2, 1)
    boxes = np.concatenate((middle - left_top, middle + right_bottom), axis=1)
    return boxes.astype(np.float32), scores[cells].astype(np.float32)


def load_person_detector(path: Path) -> PersonDetector:
    """The detector of a weights file, in eval mode; raises InputError where they are another network's."""
    from models.checkpoint_files import read_checkpoint

    state = read_checkpoint(path).tensors
    try:
        up = [state[f"up.{i}.0.weight"].shape[1] for i in range(3)]
        network = PersonDetector((state["context.0.conv1.weight"].shape[0], up[0], up[1], up[2]))
        network.load_state_dict(state)
    except (KeyError, RuntimeError):
        raise InputError(f"'{path}' does not hold the weights of a person detector of this project") from None
    return network.eval()
