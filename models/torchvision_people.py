"""torchvision's detectors with their published COCO weights as plain networks: a picture in, people out.

torchvision's own resizing and normalisation are left out; whoever calls does both, so that the rest can be
converted to OpenVINO. What they would have been is in `SizeRule` and `mean_and_std`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import InputError

PERSON = 1  # the class's number in torchvision's COCO weights
LEAST_SCORE = 0.05
LEAST_SIDE = 0.01  # pixels; what is flatter is no box


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

    Other classes are left out before suppression, not after it, which saves most of the work that is not the
    network's. The people are the same unless torchvision's limit on all classes together would cut some off.

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
        from torchvision.models.detection.ssd import SSD

        pictures = ImageList(x, [self.size])
        features = self.detector.backbone(x)
        if hasattr(self.detector, "rpn"):
            return self._two_stages(pictures, features)
        levels = list(features.values())
        output = self.detector.head(levels)
        logits, boxes = output["cls_logits"][0], output["bbox_regression"][0]
        anchors = self.detector.anchor_generator(pictures, levels)[0]
        if isinstance(self.detector, SSD):
            return self._suppress(*self._strongest(logits.softmax(1)[:, PERSON], boxes, anchors))
        return self._strongest_of_levels(levels, logits[:, PERSON].sigmoid(), boxes, anchors)

    def _strongest_of_levels(
        self, levels: list[Tensor], scores: Tensor, shifts: Tensor, anchors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """RetinaNet takes as many of each level's anchors into the suppression."""
        cells = [level.shape[-2] * level.shape[-1] for level in levels]
        counts = [len(anchors) // sum(cells) * n for n in cells]
        parts = zip(scores.split(counts), shifts.split(counts), anchors.split(counts), strict=True)
        found = [self._strongest(*part) for part in parts]
        return self._suppress(*(torch.cat(part) for part in zip(*found, strict=True)))

    def _two_stages(self, pictures: object, features: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        proposals, _ = self.detector.rpn(pictures, features, None)
        heads = self.detector.roi_heads
        regions = heads.box_head(heads.box_roi_pool(features, proposals, [self.size]))
        logits, shifts = heads.box_predictor(regions)
        boxes = heads.box_coder.decode(shifts, proposals)[:, PERSON]
        return self._suppress(boxes, logits.softmax(1)[:, PERSON])

    def _strongest(self, scores: Tensor, shifts: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes and scores of the anchors that are most likely people."""
        scores, best = scores.topk(min(len(scores), self.detector.topk_candidates))
        return self.detector.box_coder.decode_single(shifts[best], anchors[best]), scores

    def _suppress(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        from torchvision.ops import clip_boxes_to_image, nms

        settings = getattr(self.detector, "roi_heads", self.detector)
        boxes = clip_boxes_to_image(boxes, self.size)
        likely = (scores > settings.score_thresh) & (boxes[:, 2:] - boxes[:, :2] >= LEAST_SIDE).all(1)
        boxes, scores = boxes[likely], scores[likely]
        keep = nms(boxes, scores, settings.nms_thresh)[: settings.detections_per_img]
        return boxes[keep], scores[keep]
