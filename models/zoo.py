"""Every published checkpoint by name: where it is, how to check it, what it expects, what it reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from models.cache import cache_folder
from models.errors import InputError

WEIGHTS = Path(__file__).parent / "weights"  # what ships with the project, and the table of all the rest
TABLE = WEIGHTS / "zoo.yaml"
OURS = "this project"


@dataclass(frozen=True)
class ZooEntry:
    """A checkpoint.

    Attributes:
        name: unique; our own are ``default``, ``fast`` and ``person_detector``.
        aliases: other names under which its publishers' users know it.
        file: in `WEIGHTS` for those that ship, else the name in the cache folder.
        url: where it is published, None for what ships or has no address that a program can fetch.
        page: a web page to open by hand, for files that have no address of their own.
        sha256: the whole digest or its published first digits; empty where none is published.
        source: the publisher.
        architecture: such as ``pose_resnet_50``.
        keypoints: keypoint set by name; empty for detectors.
        input_size: height and width.
        parameters: in millions.
        gmacs: 10⁹ multiply–adds of the convolutions for one picture.
        figures: published figures by benchmark.
        note: what else one must know.
        fields: of `PoseDescription` where they differ from what the file tells.
    """

    name: str
    source: str
    architecture: str
    file: str
    url: str | None = None
    page: str = ""
    sha256: str = ""
    keypoints: str = ""
    input_size: tuple[int, int] | None = None
    parameters: float | None = None
    gmacs: float | None = None
    aliases: tuple[str, ...] = ()
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def description_fields(self) -> dict[str, Any]:
        """What the table knows for a `PoseDescription`."""
        from models.keypoints import keypoint_set

        known: dict[str, Any] = {"name": self.name, **self.fields}
        if self.keypoints:
            known["keypoints"] = keypoint_set(self.keypoints)
        if self.input_size:
            known["input_size"] = self.input_size
        return known


@cache
def entries() -> tuple[ZooEntry, ...]:
    """The whole table."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load(TABLE.read_text(encoding="utf-8"), Loader=loader)
    return tuple(_entry(row) for row in rows)


def _entry(row: dict[str, Any]) -> ZooEntry:
    values = dict(row)
    if "input_size" in values:
        height, width = values["input_size"].split("x")
        values["input_size"] = int(height), int(width)
    values["aliases"] = tuple(values.get("aliases", ()))
    values.setdefault("file", str(values.get("url", "")).rsplit("/", 1)[-1])
    return ZooEntry(**values)


def find(name: str) -> ZooEntry:
    """The entry of a name or alias; raises InputError that names the nearest."""
    names = {known: entry for entry in entries() for known in (entry.name, *entry.aliases)}
    if name not in names:
        near = get_close_matches(name, names, 3, 0.3)
        hint = f" (nearest: {', '.join(near)})" if near else ""
        raise InputError(f"no network '{name}' in the zoo{hint}: python -m models list; or give a file")
    return names[name]


def by_file_name(name: str) -> ZooEntry | None:
    """The entry whose published file has this name."""
    return next((entry for entry in entries() if Path(entry.file).name == name), None)


def cached(entry: ZooEntry) -> Path:
    """Where a published checkpoint lies, or would lie, in the cache folder."""
    return cache_folder() / "checkpoints" / entry.file


def fetch(name: str) -> Path:
    """The checkpoint file of a name: one that ships, or one downloaded into the cache folder and verified.

    Raises InputError for an unknown name, without a network, for a failed download or a wrong hash.
    """
    entry = find(name)
    if entry.source == OURS:
        if not (WEIGHTS / entry.file).is_file():
            raise InputError(f"weights '{name}' are missing from this installation ({WEIGHTS / entry.file})")
        return WEIGHTS / entry.file
    path = cached(entry)
    if path.is_file():
        return path
    if entry.url is None:
        raise InputError(
            f"'{name}' has no address of its own: take it from {entry.page} and save it as {path}"
        )
    from models.download import download

    return download(entry.url, path, entry.sha256)
