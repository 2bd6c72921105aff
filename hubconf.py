"""Networks for ``torch.hub.load(repository, name, pretrained=True)``.

The names are those of MegEngine's model hub, our own, and ``pose_network`` for any zoo name or file. Each
gives a `models.pose_network.PoseNetwork`: a module in eval mode that knows its description. For boxes in and
keypoints out see `tracker.estimator.PoseEstimator`, here as ``pose_estimator``.
"""

from __future__ import annotations

from typing import Any

dependencies = ["torch", "numpy", "cv2", "yaml", "safetensors"]


def pose_network(name: str = "default", pretrained: bool = True, **options: Any) -> Any:
    """A keypoint network of the zoo by name, or of a checkpoint file by path.

    Args:
        name: see ``python -m models list``.
        pretrained: False for seeded random weights.
        **options: of `models.checkpoints.load_pose_network`; ``style`` goes with published weights alone.
    """
    from models.checkpoints import load_pose_network, untrained_pose_network

    return load_pose_network(name, **options) if pretrained else untrained_pose_network(name, **options)


def default(pretrained: bool = True, **options: Any) -> Any:
    """SimpleBaseline with ResNet-18 at 256×192, COCO keypoints: the weights that ship."""
    return pose_network("default", pretrained, **options)


def fast(pretrained: bool = True, **options: Any) -> Any:
    """SimpleBaseline on ResNet-18's first three layers at 128×96, COCO keypoints: the weights that ship."""
    return pose_network("fast", pretrained, **options)


def simplebaseline_res50(pretrained: bool = False, **options: Any) -> Any:
    """MegEngine's SimpleBaseline with ResNet-50, COCO keypoints, 256×192."""
    return pose_network("simplebaseline_res50", pretrained, **options)


def simplebaseline_res101(pretrained: bool = False, **options: Any) -> Any:
    """MegEngine's SimpleBaseline with ResNet-101, COCO keypoints, 256×192."""
    return pose_network("simplebaseline_res101", pretrained, **options)


def simplebaseline_res152(pretrained: bool = False, **options: Any) -> Any:
    """MegEngine's SimpleBaseline with ResNet-152, COCO keypoints, 256×192."""
    return pose_network("simplebaseline_res152", pretrained, **options)


def mspn_4stage(pretrained: bool = False, **options: Any) -> Any:
    """MegEngine's multi-stage network with four stages, COCO keypoints, 256×192."""
    return pose_network("mspn_4stage", pretrained, **options)


def pose_estimator(model: str = "default", **options: Any) -> Any:
    """`tracker.estimator.PoseEstimator`: detect people, find their keypoints, draw them."""
    from tracker.estimator import PoseEstimator

    return PoseEstimator(model, **options)
