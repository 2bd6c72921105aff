"""Ids put right by hand, and runs read back from their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from tracker.corrections import Corrections
from tracker.results.reading import SavedRun, read_run

Edit = Callable[[Corrections], object]

# who is in each of five frames
PEOPLE = [[1, 2], [1, 2], [1], [3, 1], [3, 1]]


def run_of(people: list[list[int]]) -> SavedRun:
    frames = [
        {"frame": 10 + at, "time": at / 25, "people": [{"id": i} for i in ids]}
        for at, ids in enumerate(people)
    ]
    return SavedRun({"summary": {"frames": 5, "ids": 3}}, frames)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(lambda c: c.rename(2, 7), [[1, 7], [1, 7], [1], [3, 1], [3, 1]], id="rename"),
        pytest.param(lambda c: c.merge(2, 3), [[1, 2], [1, 2], [1], [2, 1], [2, 1]], id="merge"),
        pytest.param(lambda c: c.split(1, 12), [[1, 2], [1, 2], [4], [3, 4], [3, 4]], id="split"),
        pytest.param(lambda c: c.swap(1, 2, 11), [[1, 2], [2, 1], [2], [3, 2], [3, 2]], id="swap"),
        pytest.param(
            lambda c: c.swap(1, 3, 13),
            [[1, 2], [1, 2], [1], [1, 3], [1, 3]],
            id="swap from when both are there",
        ),
        pytest.param(lambda c: c.delete(1), [[2], [2], [], [3], [3]], id="delete"),
        pytest.param(lambda c: (c.split(1, 12), c.undo()), PEOPLE, id="undo"),
        pytest.param(
            lambda c: (c.delete(2), c.rename(3, 2)), [[1], [1], [1], [2, 1], [2, 1]], id="a freed id"
        ),
    ],
)
def test_corrections(edit: Edit, expected: list[list[int]]) -> None:
    run = run_of(PEOPLE)
    corrections = Corrections(run)
    edit(corrections)
    fixed = corrections.corrected()
    assert [[p["id"] for p in record["people"]] for record in fixed.frames] == expected
    assert fixed.head["summary"]["ids"] == len({i for ids in expected for i in ids})
    assert [[p["id"] for p in record["people"]] for record in run.frames] == PEOPLE


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.rename(2, 3), "id 3 is taken: merge"),
        (lambda c: c.rename(2, 0), "wrong id 0"),
        (lambda c: c.rename(9, 4), "no id 9"),
        (lambda c: c.merge(1, 2), "are both in 2 frames, the first is 10"),
        (lambda c: c.merge(1, 1), "one person already"),
        (lambda c: c.split(2, 12), "nothing to split"),
        (lambda c: c.split(1, 10), "nothing to split"),
        (lambda c: c.swap(2, 9, 10), "no id 9"),
        (lambda c: c.undo(), "no correction"),
        (lambda c: (c.delete(1), c.delete(1)), "no id 1"),
    ],
)
def test_impossible_corrections_are_told_and_change_nothing(edit: Edit, words: str) -> None:
    corrections = Corrections(run_of(PEOPLE))
    with pytest.raises(InputError, match=words):
        edit(corrections)


def test_any_row_of_corrections_keeps_ids_unique_and_can_be_taken_back() -> None:
    random = np.random.default_rng(0)
    people = [
        random.choice(np.arange(1, 7), random.integers(0, 6), replace=False).tolist() for _ in range(30)
    ]
    corrections = Corrections(run_of(people))
    done = 0
    for _ in range(400):
        kind = random.choice(["rename", "merge", "split", "swap", "delete"])
        a, b, frame = (int(v) for v in random.integers(1, 12, 3))
        arguments = {
            "rename": (a, b),
            "merge": (a, b),
            "split": (a, 5 + 3 * frame),
            "swap": (a, b, 5 + 3 * frame),
            "delete": (a,),
        }
        try:
            getattr(corrections, kind)(*arguments[kind])
            done += 1
        except InputError:
            pass
        for ids in corrections.by_frame():
            present = [i for i in ids if i]
            assert len(set(present)) == len(present)
    assert done > 10
    for _ in range(done):
        corrections.undo()
    assert corrections.by_frame() == people


@pytest.mark.parametrize("option", ["--json", "--jsonl"])
def test_runs_are_read_back_from_both_formats(
    track: Callable[..., int], clips: Callable[..., Path], tmp_path: Path, option: str
) -> None:
    path = tmp_path / "run.json"
    assert track(clips(), option, path, "--quiet") == 0
    run = read_run(path)
    results = list(run.results())
    assert len(results) == len(run.frames) == 12
    assert [r.frame.index for r in results] == list(range(12))
    first = run.frames[0]["people"][0]
    assert results[0].poses.keypoints[0, 0].tolist() == pytest.approx(first["keypoints"][0][:2])
    left, top, width, height = first["box"]
    assert results[0].poses.boxes[0].tolist() == pytest.approx([left, top, left + width, top + height])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a result"),
        (b"\xff\xfe", "not a result"),
        (b"[]", "not a result"),
        (b"42", "not a result"),
        (b'{"frames": []}', "not a result"),
        (b'{"format": "other", "version": 1, "frames": []}', "not a result"),
        (b'{"format": "simpleposetrack", "version": 99, "frames": []}', "version 99"),
        (b'{"format": "simpleposetrack", "version": 1, "frames": [{}]}', "not a result"),
    ],
)
def test_other_files_are_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_run(path)


def test_run_without_frames_and_missing_file_are_told(
    track: Callable[..., int], clips: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    track(clips(), "--json", path, "--quiet")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "frames": []}))
    with pytest.raises(InputError, match="has no frames"):
        read_run(path)
    with pytest.raises(InputError, match="No such file"):
        read_run(tmp_path / "no.json")


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("frames", 0, "people", 0, "keypoints"), [[1, 2, 0.5]] * 16, "has not 17 keypoints"),
        (("frames", 0, "people", 0, "keypoints"), [[1]] * 17, "not a result"),
        (("frames", 0, "people", 0, "id"), "somebody", "not a result"),
        (("frames", 0, "time"), "noon", "not a result"),
        (("video", "frame_rate"), "25/0", "not a result"),
        (("model",), "a network", "not a result"),
    ],
)
def test_damaged_runs_are_told(
    track: Callable[..., int],
    clips: Callable[..., Path],
    tmp_path: Path,
    place: tuple,
    value: Any,
    words: str,
) -> None:
    path = tmp_path / "run.json"
    track(clips(), "--json", path, "--quiet")
    content = json.loads(path.read_text())
    *parents, last = place
    part = content
    for name in parents:
        part = part[name]
    part[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=words):
        read_run(path)
