"""A recipe: all that decides a training run, as typed dataclasses (`training.recipe_files` reads them)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

from models.description import RGB_MEAN, RGB_STD, Colour
from models.errors import InputError


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One annotation file of the training mix, or the one that a run is validated on.

    Attributes:
        annotations: path below the data folder.
        images: folder below the data folder that ``file_name`` starts from; by default the annotation file's.
        benchmark: whose files these are, a name of `training.people.BENCHMARKS`; it decides how they are
            read, which keypoints they annotate, and how predictions are scored.
        boxes: ``annotation`` for the boxes of the file, ``joints`` for boxes around the labelled joints,
            enlarged by 15 % in all as the paper does for PoseTrack.
        weight: how often a person (or image) is drawn, relative to the other sources' 1.
        ignore_below: a pseudo box of a lower score is neither positive nor negative for a detector.
        scenes: so many rendered scenes, made on first use if the file is missing (see `training.rendered`).
        first_scene: number of the first of them; every scene has its own.
    """

    annotations: str
    images: str | None = None
    benchmark: str = "coco"
    boxes: Literal["annotation", "joints"] = "annotation"
    weight: float = 1.0
    ignore_below: float = 0.3
    scenes: int = 0
    first_scene: int = 0


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network to train, and what its users must know of it (see `models.description.PoseDescription`).

    Attributes:
        kind: ``pose_resnet``, ``mspn`` or ``person_detector``.
        depth: ResNet depth.
        width: factor on the ResNet's channels.
        layers: of the ResNet's four, the first so many.
        deconv_channels: channels of the transposed convolutions.
        final_kernel: size of the last convolution.
        caffe, pool_right: of a ResNet, see `models.pose_resnet.PoseResNet`; what it starts from decides.
        stages: of an MSPN.
        keypoints: keypoint set that is predicted.
        input_size: height and width, divisible by 32.
        colour: channel order of the input, ``rgb`` or ``bgr``.
        mean, std: of each channel on the scale 0 to 255, in that order.
        padding: factor by which the crop exceeds the person's box.
        half_pixel: the crop's sampling convention, see `models.crops`; published networks have none.
        decoding: of heat maps, a name of `models.heatmaps.DECODINGS`.
        init: checkpoint to start from, a file or a name of the zoo; tensors that fit by name and shape are
            taken over, the last layer's rows by the names of the joints.
        frozen: parts of the network, as ``conv1``, ``bn1``, ``layer1``, that keep weights and statistics:
            first layers that have learned enough need neither gradients nor memory.
        teacher: keypoint network whose heat maps are imitated beside the labels, a file or a name of the zoo.
    """

    kind: Literal["pose_resnet", "mspn", "person_detector"] = "pose_resnet"
    depth: int = 50
    width: float = 1.0
    layers: int = 4
    deconv_channels: tuple[int, ...] = (256, 256, 256)
    final_kernel: int = 1
    caffe: bool = False
    pool_right: bool = False
    stages: int = 4
    keypoints: str = "coco"
    input_size: tuple[int, int] = (256, 192)
    colour: Colour = "rgb"
    mean: tuple[float, float, float] = RGB_MEAN
    std: tuple[float, float, float] = RGB_STD
    padding: float = 1.25
    half_pixel: bool = True
    decoding: str = "quarter"
    init: str | None = None
    frozen: tuple[str, ...] = ()
    teacher: str | None = None


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is done at random to a crop or an image. Probabilities are between 0 and 1.

    Attributes:
        rotation: standard deviation in degrees, clipped at twice that; `rotation_probability` of the samples.
        scale: standard deviation of the crop's size factor, clipped at 1 ± `scale`.
        shift: standard deviation of the crop's centre, in box sizes: what a detector's boxes are off by.
        flip: probability of a mirror image.
        half_body: probability of a crop around the upper or lower body only, for people with more than
            `half_body_joints` labelled joints.
        colour: strength of brightness, contrast and channel gains.
        low_resolution: probability of a crop that is shrunk and enlarged again.
        blur: probability of motion blur.
        cut_out: probability of blocks over the person.
        mosaic: probability that a detector's image is made of several.
    """

    rotation: float = 40.0
    rotation_probability: float = 0.6
    scale: float = 0.3
    shift: float = 0.0
    flip: float = 0.5
    half_body: float = 0.0
    half_body_joints: int = 8
    colour: float = 0.0
    low_resolution: float = 0.0
    blur: float = 0.0
    cut_out: float = 0.0
    mosaic: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The heat maps that a keypoint network learns.

    Attributes:
        kind: ``exact``, a Gaussian around the joint; ``rounded``, around the nearest cell and cut off at
            three standard deviations (Microsoft code); ``blurred``, a cell blurred by `kernels` (Megvii's).
        sigma: standard deviation in heat-map cells, for ``exact`` and ``rounded``.
        kernels: odd blur sizes in cells from coarse to fine, for ``blurred``. Each up-sampling unit of an
            MSPN stage has its own; the last stage uses the finest, the ones before it the coarsest.
        peak: height of the maps.
        hardest: online hard keypoint mining: only so many joints of each person, those with the largest loss,
            teach the finest maps; 0 for all.
    """

    kind: Literal["exact", "rounded", "blurred"] = "exact"
    sigma: float = 2.0
    kernels: tuple[int, ...] = (15, 11, 9, 7, 5)
    peak: float = 1.0
    hardest: int = 0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Length, optimiser and learning rate.

    Attributes:
        samples, epochs: length of the run: one of the two.
        batch: samples a step, over all processes and accumulated parts.
        accumulate: parts in which a process works through its share of a batch; more need less memory.
        optimiser: ``adam`` or ``adamw``.
        rate: peak learning rate.
        decay: weight decay.
        shape: ``cosine``, ``poly`` or ``step``.
        power: of ``poly``.
        drops: for ``step``, where the rate falls to a tenth, in the unit of the length.
        warm_up: samples over which the rate rises from 0.
        average: decay of the exponential moving average of the weights a step; 0 turns it off.
        clip: largest norm of the gradient; 0 turns clipping off.
    """

    samples: int | None = None
    epochs: float | None = None
    batch: int = 32
    accumulate: int = 1
    optimiser: Literal["adam", "adamw"] = "adam"
    rate: float = 1e-3
    decay: float = 0.0
    shape: Literal["cosine", "poly", "step"] = "cosine"
    power: float = 0.9
    drops: tuple[float, ...] = ()
    warm_up: int = 0
    average: float = 0.0
    clip: float = 0.0

    @property
    def length(self) -> int:
        """Samples of the run, where the length is given in them (see `training.schedule.in_samples`)."""
        assert self.samples is not None
        return self.samples


# What the numbers of a recipe must be: in words, as a test, and the places that it is true of.
RANGES: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    (
        "positive and finite",
        lambda x: 0 < x < inf,
        "schedule.samples schedule.epochs schedule.batch schedule.accumulate schedule.rate schedule.power "
        "network.deconv_channels network.stages network.std network.padding data.weight "
        "targets.sigma targets.peak validate_every log_every",
    ),
    (
        "0 or more, and finite",
        lambda x: 0 <= x < inf,
        "schedule.decay schedule.drops schedule.warm_up schedule.clip targets.hardest "
        "augmentation.rotation augmentation.shift augmentation.half_body_joints augmentation.colour "
        "data.scenes data.first_scene validation.scenes validation.first_scene workers seed",
    ),
    (
        "from 0 to 1",
        lambda x: 0 <= x <= 1,
        "augmentation.rotation_probability augmentation.flip augmentation.half_body "
        "augmentation.low_resolution augmentation.blur augmentation.cut_out augmentation.mosaic "
        "data.ignore_below",
    ),
    ("from 0 to below 1", lambda x: 0 <= x < 1, "schedule.average augmentation.scale"),
    ("from 1 to 4", lambda x: 1 <= x <= 4, "network.layers"),
    ("at least 1/64, and finite", lambda x: 1 / 64 <= x < inf, "network.width"),
    ("odd and positive", lambda x: x > 0 and x % 2 == 1, "network.final_kernel targets.kernels"),
    ("a positive multiple of 32", lambda x: x > 0 and x % 32 == 0, "network.input_size"),
)


def _numbers(value: Any, path: Sequence[str]) -> list[float]:
    """The numbers at a path of attributes: those of every element where it leads through a tuple."""
    if value is None:
        return []
    if isinstance(value, tuple):
        return [number for element in value for number in _numbers(element, path)]
    return _numbers(getattr(value, path[0]), path[1:]) if path else [value]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run; see the attributes' own classes.

    Attributes:
        name: also of the output folder.
        validate_every: between two validations, in the unit of the schedule's length; default: a twentieth.
        log_every: samples between two log lines.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        workers: processes that prepare samples, for each process that trains.
    """

    name: str
    network: Network
    data: tuple[DataSource, ...]
    validation: DataSource
    schedule: Schedule
    augmentation: Augmentation = field(default_factory=Augmentation)
    targets: Targets = field(default_factory=Targets)
    validate_every: float | None = None
    log_every: int = 2_000
    precision: Literal["fp32", "bf16", "fp16"] = "bf16"
    workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        schedule, network = self.schedule, self.network
        if Path(self.name).name != self.name or not self.name.strip("."):
            raise InputError(f"recipe name '{self.name}': give a plain one, without folders")
        if not self.data:
            raise InputError(f"{self.name}: 'data' lists no annotation file")
        if not network.deconv_channels:
            raise InputError(f"{self.name}: network.deconv_channels lists no transposed convolution")
        if network.caffe and (network.kind != "pose_resnet" or network.depth < 50):
            raise InputError(f"{self.name}: network.caffe is for a pose_resnet of depth 50 or more")
        needed, given = 4 if network.kind == "mspn" else 1, len(self.targets.kernels)
        if given < needed:
            raise InputError(f"{self.name}: targets.kernels lists {given}: {network.kind} needs {needed}")
        if (schedule.samples is None) == (schedule.epochs is None):
            raise InputError(f"{self.name}: give schedule.samples or schedule.epochs, one of the two")
        for rule, holds, paths in RANGES:
            for path in paths.split():
                for number in _numbers(self, path.split(".")):
                    if not holds(number):
                        raise InputError(f"{self.name}: {path} is {number}: it must be {rule}")
