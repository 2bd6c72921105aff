"""Which files a run writes, where, and whether it may: known and checked before any network loads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import InputError
from models.files import check_apart, check_output
from tracker.draw import DrawOptions, Painter
from tracker.results.annotations import CocoResults, PoseTrackResults
from tracker.results.json_file import JsonLines, JsonResults
from tracker.results.openpose import OpenPoseResults, check_folder, frame_file
from tracker.results.sink import RunInfo, Sink, stem_of
from tracker.results.tables import CsvResults, MotResults

if TYPE_CHECKING:
    from tracker.types import FrameResult

OVERLAY = "output"

# Option → what its file is called after the input's stem where only a folder is given.
NAMES = {
    OVERLAY: "_tracked.mp4",
    "json": "_poses.json",
    "jsonl": "_poses.jsonl",
    "csv": "_poses.csv",
    "posetrack": "_posetrack.json",
    "coco": "_coco.json",
    "openpose": "_openpose",
    "mot": "_mot.txt",
}
DEFAULTS = (OVERLAY, "json")  # what is written where nothing is asked for

_SINKS: dict[str, Callable[[Path, RunInfo], Sink]] = {
    "json": JsonResults,
    "jsonl": JsonLines,
    "csv": CsvResults,
    "posetrack": PoseTrackResults,
    "coco": CocoResults,
    "openpose": OpenPoseResults,
    "mot": MotResults,
}


@dataclass(frozen=True)
class OutputPlan:
    """The files of one input.

    Attributes:
        source: the input.
        paths: option name → file; for ``openpose`` a folder.
    """

    source: str
    paths: dict[str, Path]

    def files(self) -> list[Path]:
        """One for each option; of a folder the first frame's."""
        return [
            frame_file(path, stem_of(self.source), 0) if option == "openpose" else path
            for option, path in self.paths.items()
        ]

    def check(self, overwrite: bool) -> None:
        """Raise InputError unless every file may and can be written; missing folders are made."""
        from tracker.video.overlay import container_format

        for option, path in self.paths.items():
            if option == "openpose":
                check_folder(path, stem_of(self.source), overwrite)
                continue
            if option == OVERLAY:
                container_format(path)
            check_output(path, overwrite)

    def open(self, run: RunInfo, draw: DrawOptions) -> list[Sink]:
        """Begin all files; those already begun are given up if one cannot be."""
        from tracker.video.overlay import OverlayVideo

        sinks: list[Sink] = []
        try:
            for option, path in self.paths.items():
                if option == OVERLAY:
                    sinks.append(OverlayVideo(path, run.source, Painter(run.keypoints, draw)))
                else:
                    sinks.append(_SINKS[option](path, run))
        except BaseException:
            close_all(sinks, complete=False)
            raise
        return sinks


def plan_outputs(
    sources: list[str], asked: dict[str, str], also_read: Iterable[Path] = ()
) -> list[OutputPlan]:
    """Where the results of each input go.

    Args:
        sources: the inputs.
        asked: option name → path. With one input a file, or a folder in which it gets its usual name; with
            several always a folder. Empty: the usual two files, in the working directory.
        also_read: files of the run beside the inputs.

    Raises InputError where a file would be written twice or is read in this run, or where a file's name
    stands for several.
    """
    wanted = asked or dict.fromkeys(DEFAULTS, ".")
    folders = {o: _folder(o, given, len(sources) > 1) for o, given in wanted.items()}
    plans = []
    for source in sources:
        names = {o: stem_of(source) + NAMES[o] for o in wanted}
        paths = {o: Path(given) if (f := folders[o]) is None else f / names[o] for o, given in wanted.items()}
        plans.append(OutputPlan(source, paths))
    written = [file for plan in plans for file in plan.files()]
    check_apart(written, [*map(Path, sources), *also_read])
    return plans


def write_all(sinks: Iterable[Sink], result: FrameResult) -> None:
    for sink in sinks:
        sink.write(result)


def close_all(sinks: Iterable[Sink], complete: bool) -> None:
    """Finish every file, also when another fails; then raise the first failure."""
    failures: list[Exception] = []
    for sink in sinks:
        try:
            sink.close(complete)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _folder(option: str, given: str, several: bool) -> Path | None:
    """The folder in which files get their usual names; None where what is given is the file itself."""
    path = Path(given)
    if option == "openpose":
        return None
    if os.path.isdir(path) or given.endswith("/"):  # Path.is_dir raises at a name that is too long
        return path
    if several and path.suffix:
        raise InputError(f"several inputs, one file: give a folder for --{option}, not '{given}'")
    return path if several else None
