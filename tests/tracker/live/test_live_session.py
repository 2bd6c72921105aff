"""Sessions: tracked results, recordings, pictures that change or are dark."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.draw import DrawOptions
from tracker.live.cameras import Shot
from tracker.live.session import LiveSession
from tracker.types import FrameResult
from tracker.video.overlay import OverlayVideo
from tracker.video.source import DamagedSourceError

from .conftest import ScriptedCamera, until

Live = Callable[..., AbstractContextManager[LiveSession]]
Scene = Callable[[int], NDArray[np.uint8]]


def test_people_are_tracked_under_ids_that_stay(live_clip: LiveSession) -> None:
    seen = []
    number = 0
    for _ in range(15):
        result = live_clip.wait_newer(number, 10)
        assert result is not None
        assert result.number > number
        number = result.number
        seen.append(result)
    common = set.intersection(*(set(r.result.poses.track_ids.tolist()) for r in seen))
    assert common
    assert all(r.captured <= r.ready for r in seen)
    assert seen[-1].rate > 0
    assert live_clip.failure is None


def test_recording_is_a_video_and_its_people(live_clip: LiveSession) -> None:
    live_clip.start_recording(DrawOptions())
    until(lambda: live_clip.recording is not None and live_clip.recording.frames >= 6)
    video, result = live_clip.stop_recording()
    assert live_clip.saved == [video, result]
    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    content = json.loads(result.read_text())
    assert len(frames) == len(content["frames"]) >= 6
    assert content["summary"]["complete"] is True
    assert [f["frame"] for f in content["frames"]] == list(range(len(frames)))
    assert content["frames"][0]["time"] == 0
    for picture, record in zip(frames, content["frames"], strict=True):
        assert picture.time == pytest.approx(record["time"], abs=1e-3)
    assert any(f["people"] for f in content["frames"])


def test_unfinished_recording_is_finished_when_the_session_ends(live: Live, draw_scene: Scene) -> None:
    camera = ScriptedCamera([draw_scene(i) for i in range(40)], live=False, pause=0.02)
    with live(camera) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.over)
    assert [path.suffix for path in session.saved] == [".mp4", ".json"]
    assert all(path.stat().st_size for path in session.saved)


def test_changed_resolution_goes_on_with_new_files(live: Live, draw_scene: Scene) -> None:
    small = [draw_scene(i) for i in range(40)]
    large = [np.asarray(cv2.resize(image, (160, 120)), np.uint8) for image in small]
    with live(ScriptedCamera(small + large, live=False, pause=0.02)) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.over)
    assert session.failure is None
    sizes = []
    for path in session.saved[::2]:
        with av.open(str(path)) as container:
            sizes.append((container.streams.video[0].width, container.streams.video[0].height))
    assert sizes == [(96, 64), (160, 120)]


def test_folder_that_cannot_be_written_is_told_and_the_view_goes_on(
    live_clip: LiveSession, tmp_path: Path
) -> None:
    live_clip.recordings.write_text("a file where the folder should be")
    live_clip.start_recording(DrawOptions())
    assert live_clip.recording is None
    assert live_clip.note.startswith("no recording: cannot make the folder")
    live_clip.recordings = tmp_path / "elsewhere"
    live_clip.start_recording(DrawOptions())
    assert live_clip.note == ""
    until(lambda: live_clip.recording is not None and live_clip.recording.frames)
    assert all(path.is_file() for path in live_clip.stop_recording())


def test_what_was_recorded_is_kept_where_new_files_cannot_be_begun(live: Live, draw_scene: Scene) -> None:
    small = [draw_scene(i) for i in range(40)]
    large = [np.asarray(cv2.resize(image, (160, 120)), np.uint8) for image in small]
    with live(ScriptedCamera(small + large, live=False, pause=0.02)) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.recording is not None and session.recording.frames)
        session.recordings = session.recordings / "file" / "folder"
        session.recordings.parent.write_text("a file where the folder should be")
        until(lambda: session.over)
    assert session.failure is None
    assert session.note.startswith("no recording: cannot make the folder")
    assert [path.suffix for path in session.saved] == [".mp4", ".json"]


def test_dark_pictures_are_told(live: Live, draw_scene: Scene) -> None:
    pictures = [draw_scene(i) for i in range(30)] + [np.zeros((64, 96, 3), np.uint8)] * 30
    dark = []
    with live(ScriptedCamera(pictures, live=False, pause=0.02)) as session:
        number = 0
        while (result := session.wait_newer(number, 5)) is not None:
            number = result.number
            dark.append(result.dark)
            if session.over:
                break
    assert session.failure is None
    assert dark == sorted(dark)
    assert dark[0] is False
    assert dark[-1] is True


def recorded(session: LiveSession) -> dict[str, Any]:
    """What the JSON file of the only recording tells."""
    (path,) = session.recordings.glob("*.json")
    return json.loads(path.read_text())


def test_failure_of_the_tracker_ends_the_session_and_is_told(live: Live, draw_scene: Scene) -> None:
    with live(ScriptedCamera([draw_scene(i) for i in range(60)], pause=0.02)) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.recording is not None and session.recording.frames)
        session.tracker.detector = lambda frame: 1 / 0  # type: ignore[assignment]
        until(lambda: session.over)
    assert isinstance(session.failure, ZeroDivisionError)
    assert recorded(session)["summary"]["complete"] is False


def test_damaged_end_of_the_source_is_a_failure(
    live: Live, draw_scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    from tracker.live.run import FAILED, _tell

    class Damaged(ScriptedCamera):
        def __iter__(self) -> Iterator[Shot]:
            yield from super().__iter__()
            raise DamagedSourceError("'cut.mkv' is damaged")

    with live(Damaged([draw_scene(i) for i in range(20)], live=False, pause=0.02)) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.over)
    assert _tell(session) == FAILED
    assert capsys.readouterr().err == "error: 'cut.mkv' is damaged\n"
    assert recorded(session)["summary"]["complete"] is False


def test_recording_that_could_not_be_written_is_not_complete(
    live_clip: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = OverlayVideo.write

    def until_full(video: OverlayVideo, result: FrameResult) -> None:
        if result.frame.index == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(video, result)

    monkeypatch.setattr(OverlayVideo, "write", until_full)
    live_clip.start_recording(DrawOptions())
    until(lambda: live_clip.note)
    assert "broke off: No space left" in live_clip.note
    until(lambda: live_clip.stop_recording() == [])
    content = recorded(live_clip)
    assert len(content["frames"]) == 4
    assert content["summary"]["complete"] is False


def test_recording_without_a_frame_is_told(live: Live, draw_scene: Scene) -> None:
    with live(ScriptedCamera([draw_scene(0)], live=False, pause=0.3)) as session:  # for the warm-up alone
        session.start_recording(DrawOptions())
        until(lambda: session.over)
    assert session.note.startswith("nothing was recorded")
    assert session.saved == []


def test_person_followed_is_recorded_alone(live: Live, draw_scene: Scene) -> None:
    camera = ScriptedCamera([draw_scene(i) for i in range(40)], live=False, pause=0.02)
    with live(camera, follow=2) as session:
        session.start_recording(DrawOptions())
        until(lambda: session.over)
    assert session.latest is not None
    assert session.latest.result.poses.track_ids.tolist() == [1, 2]
    assert {tuple(p["id"] for p in f["people"]) for f in recorded(session)["frames"]} == {(2,)}


def test_people_take_turns_and_keep_their_ids(new_tracker: Callable, draw_scene: Scene) -> None:
    from dataclasses import replace
    from fractions import Fraction

    from tracker.types import Frame

    tracker = new_tracker()
    looked: list[int] = []
    stage = tracker.pose

    class Counting:
        description, seconds = stage.description, stage.seconds

        def __call__(self, image: NDArray, boxes: NDArray) -> tuple[NDArray, NDArray]:
            looked.append(len(boxes))
            return stage(image, boxes)

    tracker.pose = Counting()
    tracker.options = replace(tracker.options, max_crops=1, detect_every=5)
    results = [tracker.step(Frame(i, Fraction(i, 25), draw_scene(i))) for i in range(10)]
    assert all(len(r.poses) == 2 for r in results)
    assert {tuple(sorted(r.poses.track_ids.tolist())) for r in results} == {(1, 2)}
    for result, crops in zip(results, looked, strict=True):
        assert crops == (2 if result.detected else 1)
