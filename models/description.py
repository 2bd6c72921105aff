"""What a keypoint network expects and gives: everything that its weights alone do not tell."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from math import inf, isfinite
from typing import Any, Literal

from models.errors import InputError
from models.heatmaps import find_decoding
from models.keypoints import KEYPOINT_SETS, KeypointSet, keypoint_set, plain_set

# ImageNet's, on the scale 0 to 255
RGB_MEAN = (123.675, 116.28, 103.53)
RGB_STD = (58.395, 57.12, 57.375)

Colour = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class PoseDescription:
    """A keypoint network as its users need to know it.

    Attributes:
        name: the zoo's name, or the file's stem.
        keypoints: what the K heat maps stand for.
        input_size: height and width of the crop in pixels, both divisible by 32.
        mean, std: of each channel on the scale 0 to 255, in the network's own channel order.
        colour: the network's channel order.
        half_pixel: the crop's sampling convention, see `models.crops`.
        udp: the crop maps pixel centres to pixel centres (UDP, arXiv 1911.07524); half_pixel has no say then.
        decoding: how heat maps become points, a name in `models.heatmaps.DECODINGS`.
        flip_shift: the flip test moves the mirrored maps one cell to the right.
        stride: input pixels a heat-map cell.
        padding: factor by which the crop exceeds the person's box.
        peak: height of a perfect heat map's peak.
        caffe, pool_right: what `models.pose_resnet.PoseResNet` was built with; its weights do not tell.

    Raises InputError for a value that none of these can have.
    """

    name: str
    keypoints: KeypointSet
    input_size: tuple[int, int] = (256, 192)
    mean: tuple[float, float, float] = RGB_MEAN
    std: tuple[float, float, float] = RGB_STD
    colour: Colour = "rgb"
    half_pixel: bool = False
    udp: bool = False
    decoding: str = "quarter"
    flip_shift: bool = True
    stride: int = 4
    padding: float = 1.25
    peak: float = 1.0
    caffe: bool = False
    pool_right: bool = False

    def __post_init__(self) -> None:
        height, width = self.input_size
        if height <= 0 or width <= 0 or height % 32 or width % 32:
            raise InputError(f"input size {height}x{width}: height and width must be multiples of 32")
        if self.colour not in ("rgb", "bgr"):
            raise InputError(f"colour order '{self.colour}': choose rgb or bgr")
        find_decoding(self.decoding)
        if len(self.mean) != 3 or not all(map(isfinite, self.mean)):
            raise InputError(f"mean {self.mean}: give three finite numbers")
        if len(self.std) != 3 or not all(0 < value < inf for value in self.std):
            raise InputError(f"std {self.std}: give three positive numbers")
        if not 1 <= self.stride <= 32:
            raise InputError(f"stride {self.stride}: a heat-map cell is 1 to 32 pixels of the input")
        for name in ("padding", "peak"):
            if not 0 < getattr(self, name) < inf:
                raise InputError(f"{name} {getattr(self, name)}: give a positive number")

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """Height and width of the heat maps in cells."""
        height, width = self.input_size
        return height // self.stride, width // self.stride

    @property
    def cell_size(self) -> tuple[float, float]:
        """Input pixels from one heat-map cell to the next, along x and y."""
        if not self.udp:
            return self.stride, self.stride
        (height, width), (rows, columns) = self.input_size, self.heatmap_size
        return (width - 1) / (columns - 1), (height - 1) / (rows - 1)

    def changed(
        self, file: str, keypoints: str | KeypointSet | None = None, **changes: Any
    ) -> PoseDescription:
        """This description with what a user knows better.

        Args:
            file: the network's, for messages.
            keypoints: another set of as many keypoints, or its name.
            **changes: other fields.

        Raises InputError for another number of keypoints, or a field that does not exist.
        """
        if keypoints is not None:
            chosen = keypoint_set(keypoints) if isinstance(keypoints, str) else keypoints
            if len(chosen) != len(self.keypoints):
                raise InputError(
                    f"'{file}' has {len(self.keypoints)} heat maps, "
                    f"keypoint set {chosen.name} {len(chosen)} keypoints"
                )
            changes["keypoints"] = chosen
        if changes.get("half_pixel"):
            changes.setdefault("flip_shift", False)  # a symmetric crop needs none
        unknown = sorted(changes.keys() - {field.name for field in fields(self)})
        if unknown:
            raise InputError(f"'{file}': no such option of a keypoint network: {', '.join(unknown)}")
        return replace(self, **changes)

    def to_json(self) -> str:
        """One line of JSON, as exported models and our own weights carry it."""
        values = asdict(self)
        values["keypoints"] = self.keypoints.name
        if KEYPOINT_SETS.get(self.keypoints.name) != self.keypoints:
            values["keypoints"] = {"name": self.keypoints.name, "names": self.keypoints.names}
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> PoseDescription:
        """Read `to_json`'s line; raises InputError where it is not one."""
        try:
            values = json.loads(text)
            keypoints = values["keypoints"]
            if isinstance(keypoints, dict):
                values["keypoints"] = plain_set(keypoints["name"], keypoints["names"])
            else:
                values["keypoints"] = keypoint_set(keypoints)
            known = {field.name for field in fields(cls)}
            settings: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known
            }
            return cls(**settings)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not the description of a pose network: {text[:80]!r} ({error})") from None


def numbered_set(count: int) -> KeypointSet:
    """A keypoint set for networks whose keypoints have no known names: ``keypoint_1 … keypoint_K``."""
    return plain_set(f"{count}_keypoints", [f"keypoint_{i + 1}" for i in range(count)])


_SET_BY_COUNT = {17: "coco", 16: "mpii", 15: "jhmdb", 14: "crowdpose", 40: "mpii_trb"}


def likely_keypoints(count: int) -> KeypointSet:
    """The commonest keypoint set of that many keypoints; a numbered one where no benchmark has as many."""
    return keypoint_set(_SET_BY_COUNT[count]) if count in _SET_BY_COUNT else numbered_set(count)
