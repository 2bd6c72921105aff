"""From two folders to a result: read, pair, score."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.posetrack.clear_mot import (
    Counts,
    Matching,
    Tracking,
    count_events,
    match_over_time,
    refuse_single_frames,
    tracking_scores,
)
from evaluation.posetrack.formats import read_sequences
from evaluation.posetrack.frames import Frames, collect
from evaluation.posetrack.pairs import Pairs, pair_people
from evaluation.posetrack.precision import Precision, Samples, average_precision, collect_samples
from evaluation.posetrack.protocol import Protocol, protocol_named
from evaluation.posetrack.sequences import PoseSequence
from models.errors import InputError

# Sequences of PoseTrack18's validation set in the versions of its labels, whose figures are not comparable.
LABEL_VERSIONS = {
    74: "PoseTrack18 v0.2, 74 validation sequences",
    170: "PoseTrack18 v0.45, 170 validation sequences",
}


@dataclass(frozen=True)
class PoseTrackResult:
    """What an evaluation found; `evaluation.posetrack.table` prints and writes it.

    Attributes:
        protocol: how it was counted.
        frames, pairs, samples: what the figures come from.
        precision: AP of each joint.
        matching, counts, tracking: CLEAR MOT of each joint, or None where tracking was not asked for.
        labels: the version of PoseTrack18's labels, where the sequences look like one.
        notes: what a reader of the figures should know.
        left_out: sequence → why it does not count.
    """

    protocol: Protocol
    frames: Frames
    pairs: Pairs
    samples: Samples
    precision: Precision
    matching: Matching | None
    counts: Counts | None
    tracking: Tracking | None
    labels: str | None
    notes: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def sequence(self, number: int) -> tuple[Precision, Tracking | None]:
        """AP and tracking of one sequence by itself."""
        of_sequence = self.samples.of_frames(self.frames.sequence_of == number)
        tracking = None
        if self.counts:
            tracking = tracking_scores(self.counts[number : number + 1], self.protocol)
        return average_precision(of_sequence, self.protocol), tracking


def evaluate(
    gt: str | Path,
    pred: str | Path,
    *,
    protocol: str = "poseval",
    tracking: bool = True,
    skip_faulty: bool = False,
) -> PoseTrackResult:
    """Score predicted tracks against annotated ones.

    Args:
        gt: folder of annotation files, one a sequence, or a single file; see `evaluation.posetrack.formats`.
        pred: folder of prediction files of the same names, or a single file.
        protocol: ``"poseval"``, comparable with published figures, or ``"strict"``.
        tracking: score tracking besides AP; without it, nobody needs a track id.
        skip_faulty: leave out sequences that cannot be scored, and say so in ``left_out``.

    Raises:
        InputError: what is wrong, naming file and frame.
    """
    rules = protocol_named(protocol)
    with _no_collector():
        pairs, notes, left_out = read_pairs(
            Path(gt), Path(pred), rules, tracking=tracking, skip_faulty=skip_faulty
        )
    return evaluate_pairs(pairs, rules, tracking=tracking, notes=notes, left_out=left_out)


def evaluate_pairs(
    pairs: list[tuple[PoseSequence, PoseSequence]],
    rules: Protocol,
    *,
    tracking: bool = True,
    notes: tuple[str, ...] = (),
    left_out: dict[str, str] | None = None,
) -> PoseTrackResult:
    """`evaluate` for sequences that have been read already."""
    frames = collect(pairs, rules)
    counted = "with an annotated person" if rules.only_frames_with_people else "that is labelled"
    if not len(frames):
        raise InputError(f"nothing to evaluate: no frame {counted}")
    notes += tuple(
        f"{truth.name}: no frame {counted}" for truth, _ in pairs if truth.name not in frames.sequences
    )
    paired = pair_people(frames)
    samples = collect_samples(paired, frames)
    matching = counts = None
    if tracking:
        refuse_single_frames(frames, rules)
        matching = match_over_time(paired, frames, rules)
        counts = count_events(matching, frames, rules)
    return PoseTrackResult(
        protocol=rules,
        frames=frames,
        pairs=paired,
        samples=samples,
        precision=average_precision(samples, rules),
        matching=matching,
        counts=counts,
        tracking=tracking_scores(counts, rules) if counts else None,
        labels=_label_version(pairs),
        notes=notes + tuple(note for pair in pairs for side in pair for note in side.notes),
        left_out=left_out or {},
    )


def read_pairs(
    gt: Path, pred: Path, rules: Protocol, *, tracking: bool, skip_faulty: bool
) -> tuple[list[tuple[PoseSequence, PoseSequence]], tuple[str, ...], dict[str, str]]:
    """Both sides of every sequence, notes, and why sequences are left out."""
    files, notes = _pair_files(gt, pred, skip_faulty)
    pairs: list[tuple[PoseSequence, PoseSequence]] = []
    left_out = {}
    for truth_file, prediction_file in files:
        try:
            found = _read_pair(truth_file, prediction_file, rules, tracking)
            if skip_faulty:
                alone = collect(found, rules)
                pair_people(alone)
                if tracking:
                    refuse_single_frames(alone, rules)
            pairs += found
        except InputError as error:
            if not skip_faulty:
                raise
            left_out[truth_file.stem] = str(error)
    if left_out and not pairs:
        raise InputError(f"no sequence can be scored: {next(iter(left_out.values()))}")
    return pairs, notes, left_out


def _pair_files(gt: Path, pred: Path, skip_missing: bool) -> tuple[list[tuple[Path, Path]], tuple[str, ...]]:
    """Files of the same name, in order of name; a single file on each side pairs whatever the names."""
    if gt.is_file() and pred.is_file():
        return [(gt, pred)], ()
    truths, predictions = _json_files(gt), _json_files(pred)
    missing = sorted(truths.keys() - predictions.keys())
    if missing and not skip_missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(f"{pred}: no prediction file '{missing[0]}'{more} for the annotations in '{gt}'")
    extra = sorted(predictions.keys() - truths.keys())
    notes = (f"{len(extra)} prediction files without annotations, such as '{extra[0]}'",) if extra else ()
    return [(truths[name], predictions.get(name, pred / name)) for name in sorted(truths)], notes


def _json_files(path: Path) -> dict[str, Path]:
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise InputError(f"no such folder or file: '{path}'")
    files = {file.name: file for file in path.glob("*.json")}
    if not files:
        raise InputError(f"no .json file in folder '{path}'")
    return files


def _read_pair(
    truth_file: Path, prediction_file: Path, rules: Protocol, tracking: bool
) -> list[tuple[PoseSequence, PoseSequence]]:
    truths = read_sequences(truth_file, rules, ground_truth=True, tracking=tracking)
    predictions = read_sequences(prediction_file, rules, ground_truth=False, tracking=tracking)
    if len(truths) == len(predictions) == 1:
        return [(truths[0], predictions[0])]
    by_name = {sequence.name: sequence for sequence in predictions}
    missing = [truth.name for truth in truths if truth.name not in by_name]
    if missing:
        raise InputError(f"{prediction_file}: no sequence '{missing[0]}', which '{truth_file}' has")
    return [(truth, by_name[truth.name]) for truth in truths]


def _label_version(pairs: list[tuple[PoseSequence, PoseSequence]]) -> str | None:
    official = all(truth.file_names and "val/" in truth.file_names[0] for truth, _ in pairs)
    return LABEL_VERSIONS.get(len(pairs)) if official else None


@contextmanager
def _no_collector() -> Iterator[None]:
    """Parsing makes millions of small objects and no cycles: the collector would search them for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
