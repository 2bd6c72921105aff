"""Networks, weights and engines. Importing this package loads neither torch nor OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from models.pose_network import PoseNetwork


def load_pose_network(name_or_path: str | os.PathLike[str], **options: Any) -> PoseNetwork:
    """A keypoint network with its weights: see `models.checkpoints.load_pose_network`."""
    from models import checkpoints

    return checkpoints.load_pose_network(name_or_path, **options)


def list() -> tuple[str, ...]:
    """The names of the zoo's checkpoints; `models.zoo` has their facts and figures."""
    from models import zoo

    return tuple(entry.name for entry in zoo.entries())
