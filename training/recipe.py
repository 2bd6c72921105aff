"""A recipe: everything that decides a training run, read from YAML into typed dataclasses."""

from __future__ import annotations

import difflib
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from models.errors import InputError

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One annotation file of the training mix.

    Attributes:
        annotations: path below the data folder.
        images: folder below the data folder that ``file_name`` starts from; default: the annotation file's own.
        keypoints: keypoint set of the annotations.
        weight: how often a person (or image) is drawn, relative to the other sources' 1.
        ignore_below: a pseudo box of a lower score is neither positive nor negative for a detector.
    """

    annotations: str
    images: str | None = None
    keypoints: str = "coco"
    weight: float = 1.0
    ignore_below: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network to train.

    Attributes:
        kind: ``pose_resnet`` or ``person_detector``.
        depth: ResNet depth.
        width: factor on the ResNet's channels.
        deconv_channels: channels of the transposed convolutions.
        keypoints: keypoint set that is predicted.
        input_size: height and width, divisible by 32.
        init: checkpoint to start from; tensors that fit by name and shape are taken over.
        teacher: checkpoint of a network whose heat maps are imitated beside the labels.
        teacher_depth: ResNet depth of the teacher.
        teacher_size: the teacher's input size.
    """

    kind: str = "pose_resnet"
    depth: int = 50
    width: float = 1.0
    deconv_channels: tuple[int, ...] = (256, 256, 256)
    keypoints: str = "coco"
    input_size: tuple[int, int] = (256, 192)
    init: str | None = None
    teacher: str | None = None
    teacher_depth: int = 18
    teacher_size: tuple[int, int] = (256, 192)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is done at random to a crop or an image. Probabilities are between 0 and 1.

    Attributes:
        rotation: standard deviation in degrees, clipped at twice that; `rotation_probability` of the samples.
        scale: standard deviation of the crop's size factor, clipped at 1 ± `scale`.
        shift: standard deviation of the crop's centre, in box sizes: what a detector's boxes are off by.
        flip: probability of a mirror image.
        half_body: probability of a crop around the upper or lower body only.
        colour: strength of brightness, contrast and channel gains.
        low_resolution: probability of a crop that is shrunk and enlarged again.
        blur: probability of motion blur.
        cut_out: probability of blocks of noise over the person.
        mosaic: probability that a detector's image is made of four.
    """

    rotation: float = 40.0
    rotation_probability: float = 0.6
    scale: float = 0.3
    shift: float = 0.0
    flip: float = 0.5
    half_body: float = 0.0
    colour: float = 0.0
    low_resolution: float = 0.0
    blur: float = 0.0
    cut_out: float = 0.0
    mosaic: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Optimiser and learning rate.

    Attributes:
        samples: length of the run in samples.
        batch: samples a step.
        optimiser: ``adam`` or ``adamw``.
        rate: peak learning rate.
        decay: weight decay.
        shape: ``cosine``, ``poly`` or ``step``.
        drops: for ``step``, fractions of the run at which the rate falls to a tenth.
        warm_up: samples over which the rate rises from 0.
        average: decay of the exponential moving average of the weights a step; 0 turns it off.
        clip: largest norm of the gradient; 0 turns clipping off.
    """

    samples: int
    batch: int = 32
    optimiser: str = "adam"
    rate: float = 1e-3
    decay: float = 0.0
    shape: str = "cosine"
    drops: tuple[float, ...] = (90 / 140, 120 / 140)
    warm_up: int = 0
    average: float = 0.0
    clip: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run; see the attributes' own classes.

    Attributes:
        sigma: standard deviation of the Gaussian targets in heat-map cells.
        validate_every: samples between two validations.
        log_every: samples between two log lines.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        workers: processes that prepare samples.
    """

    name: str
    network: Network
    data: tuple[DataSource, ...]
    validation: DataSource
    schedule: Schedule
    augmentation: Augmentation = field(default_factory=Augmentation)
    sigma: float = 2.0
    validate_every: int = 50_000
    log_every: int = 2_000
    precision: str = "bf16"
    workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("input_size", "teacher_size"):
            size = getattr(self.network, name)
            if len(size) != 2 or any(side <= 0 or side % 32 for side in size):
                raise InputError(f"{self.name}: {name} {list(size)} must be two numbers divisible by 32")


def load_recipe(name: str, settings: list[str] | None = None) -> Recipe:
    """Read a recipe by its name or by the path of a YAML file.

    Args:
        name: a name of `recipe_names()` or a path.
        settings: ``key=value`` changes, such as ``schedule.rate=1e-4``; values are YAML.

    Raises:
        InputError: unknown recipe or key (the nearest is named), a value of the wrong type, an impossible size.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        raise InputError(
            f"no recipe '{name}'{_nearest(name, recipe_names())}: choose from {', '.join(recipe_names())}"
        )
    try:
        values = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    values = {"name": path.stem, **values}
    for setting in settings or []:
        key, separator, value = setting.partition("=")
        if not separator:
            raise InputError(f"--set {setting}: expected key=value, such as schedule.rate=1e-4")
        *parents, last = key.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = yaml.safe_load(value)
    return build(Recipe, values, path.stem)


def recipe_names() -> list[str]:
    """Names of the recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def build(kind: Any, values: Any, where: str) -> Any:
    """Fill a dataclass, a tuple or a plain type from YAML values; `where` names the place in messages."""
    if is_dataclass(kind):
        return _build_dataclass(kind, values, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if values is None else build(arguments[0], values, where)
    if origin is tuple:
        if not isinstance(values, list):
            raise InputError(f"{where}: expected a list, got {values!r}")
        inner = arguments[:1] * len(values) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(values):
            raise InputError(f"{where}: expected {len(inner)} values, got {len(values)}")
        return tuple(build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(inner, values, strict=True)))
    if isinstance(values, (list, dict)) or (isinstance(values, str) and kind is bool):
        raise InputError(f"{where}: expected {kind.__name__}, got {values!r}")
    try:  # YAML reads 1e-3 as text, Python's float does not mind
        return kind(values)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected {kind.__name__}, got {values!r}") from None


def _build_dataclass(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected keys and values, got {values!r}")
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise InputError(
                f"{where}: unknown key '{key}'{_nearest(key, list(hints))}; known: {', '.join(hints)}"
            )
    for item in fields(kind):
        if item.name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"{where}: the key '{item.name}' is missing")
    return kind(**{key: build(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f" (did you mean '{close[0]}'?)" if close else ""
