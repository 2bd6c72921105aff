"""torchvision's detectors with their published COCO weights as plain networks: a picture in, people out.

torchvision's own resizing and normalisation are left out; whoever calls does both, so that the rest can be
converted to OpenVINO. What they would have been is in `SizeRule` and `mean_and_std`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from models.errors import InputError

PERSON = 1  # the class's number in torchvision's COCO weights
LEAST_SCORE = 0.05


@dataclass(frozen=True)
class SizeRule:
    """How large a detector wants its picture.

    Attributes:
        short, long: pixels of the shorter side, less where the longer side would exceed `long`.
        fixed: height and width of every picture, whatever its shape, in place of the two.
    """

    short: int = 0
    long: int = 0
    fixed: tuple[int, int] | None = None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width to resize a picture to."""
        if self.fixed:
            return self.fixed
        scale = min(self.short / min(height, width), self.long / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))


# The picture's size, and what else differs from torchvision's defaults. Faster R-CNN with MobileNet is for
# speed: fewer pixels and proposals than its published figure was measured with.
DETECTORS: dict[str, tuple[SizeRule, dict[str, int]]] = {
    "fasterrcnn_resnet50_fpn_v2": (SizeRule(800, 1333), {}),
    "fasterrcnn_mobilenet_v3_large_fpn": (SizeRule(480, 853), {"rpn_post_nms_top_n_test": 100}),
    "ssdlite320_mobilenet_v3_large": (SizeRule(fixed=(320, 320)), {}),
    "retinanet_resnet50_fpn_v2": (SizeRule(800, 1333), {}),
    "ssd300_vgg16": (SizeRule(fixed=(300, 300)), {}),
}


def build_detector(name: str) -> nn.Module:
    """torchvision's detector of a name in `DETECTORS` with random weights."""
    from torchvision.models import detection

    _, options = DETECTORS[name]
    threshold = {"box_score_thresh" if "rcnn" in name else "score_thresh": LEAST_SCORE}
    return getattr(detection, name)(weights=None, weights_backbone=None, **threshold, **options).eval()


def load_weights(detector: nn.Module, path: Path) -> None:
    """Load a published state dict; raises InputError where it is another network's."""
    from models.checkpoint_files import read_checkpoint

    try:
        detector.load_state_dict(read_checkpoint(path).tensors)
    except RuntimeError:
        raise InputError(f"'{path}' does not hold the weights of {type(detector).__name__}") from None


def mean_and_std(detector: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of the RGB channels on the scale 0 to 255."""
    transform: Any = detector.transform
    return tuple(255 * m for m in transform.image_mean), tuple(255 * s for s in transform.image_std)


class PeopleOnly(nn.Module):
    """``forward`` takes (1, 3, H, W) float RGB, normalised, and gives (N, 4) boxes of people and (N,) scores.

    Args:
        detector: from `build_detector`.
        size: height and width of the picture within the input, whose rest at the right and bottom is padding.
    """

    def __init__(self, detector: nn.Module, size: tuple[int, int]) -> None:
        super().__init__()
        self.detector: Any = detector
        self.size = size

    def extra_repr(self) -> str:
        return f"size={self.size}"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        from torchvision.models.detection.image_list import ImageList

        detector, pictures = self.detector, ImageList(x, [self.size])
        features = detector.backbone(x)
        if hasattr(detector, "rpn"):
            proposals, _ = detector.rpn(pictures, features, None)
            found, _ = detector.roi_heads(features, proposals, [self.size], None)
        else:
            found = self._one_stage(pictures, list(features.values()))
        people = found[0]["labels"] == PERSON
        return found[0]["boxes"][people], found[0]["scores"][people]

    def _one_stage(self, pictures: object, features: list[Tensor]) -> list[dict[str, Tensor]]:
        from torchvision.models.detection import RetinaNet

        detector = self.detector
        output = detector.head(features)
        anchors = detector.anchor_generator(pictures, features)
        if isinstance(detector, RetinaNet):  # wants its output level by level
            cells = [f.shape[-2] * f.shape[-1] for f in features]
            each = output["cls_logits"].shape[1] // sum(cells)
            counts = [each * n for n in cells]
            output = {key: list(value.split(counts, dim=1)) for key, value in output.items()}
            anchors = [list(a.split(counts)) for a in anchors]
        return detector.postprocess_detections(output, anchors, [self.size])
