"""The tracking command as a user runs it: files, times, sound, ids, bad input, interruptions."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tracker.boxes_file import BoxesFile
from tracker.interrupt import StopOnInterrupt
from tracker.run import smoothed_afterwards
from tracker.types import Frame, FrameResult, Poses
from tracker.video import open_source

ROOT = Path(__file__).resolve().parents[2]

Track = Callable[..., int]
Clips = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def video_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def audio_span(path: Path) -> tuple[str, float, float]:
    """Codec, first and last second of the sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        last = frames[-1]
        end = float(last.pts * last.time_base) + last.samples / last.sample_rate
        return stream.codec_context.codec.canonical_name, float(frames[0].pts * frames[0].time_base), end


def test_a_name_that_is_no_text(track: Track, clips: Clips) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    os.symlink(clips(), name)
    outputs = [part for option in ("--json", "--jsonl", "--csv", "--coco", "-o") for part in (option, "./")]
    assert track(name, *outputs, "--openpose", "op") == 0
    assert json.loads(Path(os.fsdecode(b"caf\xe9_poses.json")).read_text())["video"]["path"] == "caf?.mp4"
    assert len(os.listdir()) == 7
    picture = os.fsdecode(b"caf\xe9.png")
    cv2.imencode(".png", np.zeros((64, 96, 3), np.uint8))[1].tofile(picture)
    assert track(picture, "--json", "p.json") == 0


def test_default_outputs(track: Track, clips: Clips) -> None:
    assert track(clips(audio="aac")) == 0
    assert sorted(os.listdir()) == ["clip_poses.json", "clip_tracked.mp4"]
    assert video_times(Path("clip_tracked.mp4")) == [Fraction(i, 25) for i in range(12)]
    result = json.loads(Path("clip_poses.json").read_text())
    assert (result["format"], result["version"]) == ("simpleposetrack", 1)
    assert result["video"]["frame_rate"] == "25/1"
    assert result["summary"] == {"frames": 12, "ids": 2, "complete": True}
    assert [frame["frame"] for frame in result["frames"]] == list(range(12))
    for frame in result["frames"]:
        ids = [person["id"] for person in frame["people"]]
        assert sorted(ids) == [1, 2]
        assert all(len(person["keypoints"]) == 17 for person in frame["people"])
    moving = [frame["people"][0]["box"][0] for frame in result["frames"]]
    assert moving[-1] - moving[0] == pytest.approx(22, abs=3)


def test_every_format(track: Track, clips: Clips) -> None:
    options = (
        "--json r.json --jsonl r.jsonl --csv r.csv --posetrack p.json --coco c.json --openpose op --mot m.txt"
    )
    assert track(clips(), *options.split(), "-o", "v.mkv", "--trails", "--boxes") == 0
    frames = json.loads(Path("r.json").read_text())["frames"]
    head, *lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert head["model"]["keypoint_set"] == "coco"
    assert lines == frames

    rows = list(csv.DictReader(Path("r.csv").read_text().splitlines()))
    people = [(frame, person) for frame in frames for person in frame["people"]]
    assert len(rows) == len(people) == 24
    for row, (frame, person) in zip(rows, people, strict=True):
        assert (int(row["frame"]), int(row["id"])) == (frame["frame"], person["id"])
        assert float(row["time"]) == pytest.approx(frame["time"])
        assert float(row["width"]) == pytest.approx(person["box"][2])
        assert float(row["left_knee_y"]) == pytest.approx(person["keypoints"][13][1])

    mot = np.loadtxt("m.txt", delimiter=",")
    assert mot.shape == (24, 10)
    assert mot[:2, 0].tolist() == [1, 1]
    assert mot[:, 1].tolist() == [person["id"] for _, person in people]

    coco = json.loads(Path("c.json").read_text())
    assert [image["id"] for image in coco["images"]] == list(range(1, 13))
    assert len(coco["annotations"]) == 24
    assert coco["categories"][0]["keypoints"][0] == "nose"
    assert {a["track_id"] for a in coco["annotations"]} == {1, 2}

    posetrack = json.loads(Path("p.json").read_text())
    assert posetrack["images"][0]["file_name"] == "images/val/000001_mpii_test/000000.jpg"
    assert len(posetrack["images"]) == posetrack["images"][0]["nframes"] == 12
    assert posetrack["categories"][0]["keypoints"][1] == "head_bottom"
    assert all(len(a["keypoints"]) == 51 and len(a["scores"]) == 17 for a in posetrack["annotations"])

    files = sorted(Path("op").iterdir())
    assert [file.name for file in files][:1] == ["clip_000000000000_keypoints.json"]
    assert len(files) == 12
    person = json.loads(files[0].read_text())["people"][0]
    assert len(person["pose_keypoints_2d"]) == 75
    assert person["person_id"] == [1]
    assert len(video_times(Path("v.mkv"))) == 12


def test_coco_file_is_read_by_pycocotools(track: Track, clips: Clips) -> None:
    from pycocotools.coco import COCO

    assert track(clips(), "--coco", "c.json") == 0
    coco = COCO("c.json")
    assert len(coco.getAnnIds(imgIds=[1])) == 2


def test_joints_below_the_threshold(track: Track, clips: Clips) -> None:
    options = "--joint-threshold 1 --posetrack p.json --coco c.json --openpose op --json r.json"
    assert track(clips(), *options.split()) == 0
    for name in ("p.json", "c.json"):
        annotations = json.loads(Path(name).read_text())["annotations"]
        assert annotations
        assert not any(any(a["keypoints"]) for a in annotations)
    people = json.loads(next(Path("op").iterdir()).read_text())["people"]
    assert not any(any(person["pose_keypoints_2d"]) for person in people)
    assert any(json.loads(Path("r.json").read_text())["frames"][0]["people"][0]["keypoints"][0])


@pytest.mark.parametrize(
    ("name", "audio", "output", "codec"),
    [
        ("a.mp4", "aac", "o.mp4", "aac"),
        ("a.mkv", "libmp3lame", "o.mp4", "mp3"),
        ("a.mkv", "pcm_s16le", "o.mp4", "aac"),
        ("a.mkv", "pcm_s16le", "o.mkv", "pcm_s16le"),
        ("a.avi", "pcm_s16le", "o.mov", "pcm_s16le"),
    ],
)
def test_sound(track: Track, clips: Clips, name: str, audio: str, output: str, codec: str) -> None:
    assert track(clips(name, audio=audio, frames=40), "-o", output) == 0
    found, first, last = audio_span(Path(output))
    assert found == codec
    assert first == pytest.approx(0, abs=0.05)
    assert last == pytest.approx(1.6, abs=0.1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_copied_sound_is_the_same_to_the_last_sample(track: Track, clips: Clips, name: str) -> None:
    """Also where it is longer than the pictures."""

    def samples(path: Path) -> np.ndarray:
        with av.open(str(path)) as container:
            return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)

    source = clips(name, audio="aac", frames=40, sound_seconds=2.0)
    assert track(source, "-o", "o.mp4") == 0
    assert np.array_equal(samples(Path("o.mp4")), samples(source))
    assert video_times(Path("o.mp4")) == video_times(source)


@pytest.mark.parametrize(
    ("name", "audio", "output"),
    [
        ("a.mkv", "flac", "o.mov"),
        ("a.mkv", "ac3", "o.mp4"),
        ("a.ts", "aac", "o.mp4"),  # a head in every packet, as broadcasts have it
    ],
)
def test_damaged_sound_is_left_out(
    track: Track, clips: Clips, capsys: Capture, name: str, audio: str, output: str
) -> None:
    source = clips(name, audio=audio, audio_rate=48000, frames=40)
    with av.open(str(source)) as container:
        sounds = [bytes(packet)[:100] for packet in container.demux(audio=0)][5:8]
    content = source.read_bytes()
    for sound in sounds:
        assert sound in content
        content = content.replace(sound, bytes(len(sound)))
    damaged = Path("damaged").with_suffix(source.suffix)
    damaged.write_bytes(content)
    assert track(damaged, "-o", output) == 0
    assert capsys.readouterr().err.count(f"warning: the sound of '{damaged}' is damaged") == 1
    assert len(video_times(Path(output))) == 40
    assert audio_span(Path(output))[2] == pytest.approx(1.6, abs=0.1)


def test_sound_that_turns_from_mono_to_stereo_is_kept(track: Track, clips: Clips, capsys: Capture) -> None:
    with av.open(str(clips(frames=40))) as pictures, av.open("turns.mkv", "w") as file:
        video = file.add_stream_from_template(pictures.streams.video[0])
        sound = file.add_stream("mp2", rate=48000, layout="mono")
        for packet in pictures.demux(video=0):
            if packet.size:
                packet.stream = video
                file.mux(packet)
        for channels, start in ((1, 0), (2, 33)):
            coder = av.CodecContext.create("mp2", "w")
            coder.rate, coder.format, coder.layout = 48000, "s16", ("mono", "stereo")[channels - 1]
            for number in range(start, start + 33):
                silence = np.zeros((1, 1152 * channels), np.int16)
                frame = av.AudioFrame.from_ndarray(silence, format="s16", layout=coder.layout.name)
                frame.rate, frame.pts = 48000, 1152 * number
                for packet in coder.encode(frame):
                    packet.stream = sound
                    file.mux(packet)
    assert track("turns.mkv", "-o", "o.mp4") == 0
    assert "damaged" not in capsys.readouterr().err
    assert audio_span(Path("o.mp4"))[2] == pytest.approx(66 * 1152 / 48000, abs=0.1)


@pytest.mark.parametrize("audio", ["aac", "pcm_s16le"])
def test_range_cuts_pictures_and_sound(track: Track, clips: Clips, audio: str) -> None:
    source = clips("a.mkv", audio=audio, frames=40)
    assert track(source, "--start", "0.4", "--end", "f30", "-o", "o.mp4", "--json", "r.json") == 0
    frames = json.loads(Path("r.json").read_text())["frames"]
    assert [frame["frame"] for frame in frames] == list(range(10, 30))
    assert frames[0]["time"] == pytest.approx(0.4)
    assert video_times(Path("o.mp4")) == [Fraction(i, 25) for i in range(20)]
    _, first, last = audio_span(Path("o.mp4"))
    assert 0 <= first < 0.06
    assert last == pytest.approx(0.8, abs=0.06)


def test_variable_frame_rate_keeps_its_times(track: Track, clips: Clips) -> None:
    times = [0, 30, 100, 110, 400, 401, 700, 900, 1001, 1500, 1510, 2003]
    source = clips("vfr.mkv", times=times, time_base=Fraction(1, 1000), options={"bf": "2"})
    assert track(source, "-o", "o.mp4") == 0
    assert video_times(Path("o.mp4")) == [Fraction(t, 1000) for t in times]


def test_frame_rate_stays_a_fraction(track: Track, clips: Clips) -> None:
    assert track(clips(rate=Fraction(30000, 1001)), "-o", "o.mp4") == 0
    with av.open("o.mp4") as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)


def test_pictures_as_input(track: Track, draw_scene: Callable[[int], np.ndarray]) -> None:
    folder = Path("walk")
    folder.mkdir()
    for i in range(12):
        cv2.imwrite(str(folder / f"{i}.png"), draw_scene(i))
    assert track("walk/", "--frame-rate", "10") == 0
    assert video_times(Path("walk_tracked.mp4")) == [Fraction(i, 10) for i in range(12)]
    assert json.loads(Path("walk_poses.json").read_text())["summary"]["ids"] == 2


def test_several_inputs(
    track: Track, clips: Clips, boxes_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The good ones are tracked, ids start anew in each, and the status tells of the bad one."""
    monkeypatch.setattr("tracker.detectors.create_detector", lambda *_: BoxesFile(boxes_file))
    inputs = [clips("one.mp4"), "missing.mp4", clips("two.mkv")]
    assert track(*inputs, "--json", "out", "--mot", "out/", boxes=False) == 1
    assert sorted(os.listdir("out")) == ["one_mot.txt", "one_poses.json", "two_mot.txt", "two_poses.json"]
    for name in ("one", "two"):
        assert set(np.loadtxt(f"out/{name}_mot.txt", delimiter=",")[:, 1]) == {1, 2}
    assert "error: no such file: 'missing.mp4'" in capsys.readouterr().err


def people_in(path: str) -> list[list[dict]]:
    return [frame["people"] for frame in json.loads(Path(path).read_text())["frames"]]


def test_follow_one(track: Track, clips: Clips, capsys: Capture) -> None:
    assert track(clips(), "--follow", "2", "--json", "r.json") == 0
    assert all([p["id"] for p in people] == [2] for people in people_in("r.json"))
    assert track(clips(), "--follow", "7", "--json", "s.json") == 0
    assert not any(people_in("s.json"))
    assert "warning: id 7 was not seen; the ids are 1, 2" in capsys.readouterr().err


def test_fewer_people(track: Track, clips: Clips) -> None:
    assert track(clips(), "--max-people", "1", "--json", "r.json") == 0
    assert all(len(people) == 1 for people in people_in("r.json"))
    assert track(clips(), "--min-height", "31", "--json", "s.json") == 0
    assert all(people[0]["box"][3] > 31 for people in people_in("s.json"))


@pytest.mark.parametrize("smooth", ["one-euro", "savgol"])
def test_smoothing_calms_the_joints(track: Track, clips: Clips, smooth: str) -> None:
    shaking = np.random.default_rng(0).normal(0, 1.5, (40, 2))
    Path("b.txt").write_text(
        "\n".join(f"{i},1,{30 + x},{20 + y},16,32,1" for i, (x, y) in enumerate(shaking, 1))
    )
    options = (clips(frames=40), "--detections", "b.txt", "--detect-every", "1")
    assert track(*options, "--json", "raw.json", boxes=False) == 0
    outputs = ("--json", "smooth.json", "-o", "smooth.mp4")
    assert track(*options, *outputs, "--smooth", smooth, boxes=False) == 0

    def jitter(path: str) -> float:
        joints = np.array([[k[:2] for k in people[0]["keypoints"]] for people in people_in(path)])
        return float(np.abs(np.diff(joints, 2, axis=0)).mean())

    assert jitter("smooth.json") < 0.7 * jitter("raw.json")
    assert video_times(Path("smooth.mp4")) == [Fraction(i, 25) for i in range(40)]


@pytest.mark.parametrize(("first", "second", "written"), [(3, None, 3), (None, 2, 2), (3, 2, 3)])
def test_ctrl_c_in_either_pass(first: int | None, second: int | None, written: int) -> None:
    """What the first pass tracked until then is written whole."""
    stop = StopOnInterrupt()

    def pressed_after(number: int | None) -> Iterator[FrameResult]:
        nothing, nobody = np.zeros((0, 0, 3), np.uint8), np.zeros(0, bool)
        for i in range(5):
            stop.asked |= i + 1 == number
            frame = Frame(i, Fraction(i, 25), nothing)
            yield FrameResult(frame, Poses.empty(17), nobody, nobody, True, False, {})

    results = []
    for result in smoothed_afterwards(stop.until(pressed_after(first)), None, 0.4, stop.until):
        results.append(result)
        stop.asked |= len(results) == second
    assert len(results) == written


def test_live_stream_has_no_second_pass(
    track: Track, clips: Clips, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    source = open_source(str(clips()))
    source.info = replace(source.info, duration=None)
    monkeypatch.setattr("tracker.run.open_source", lambda *_: source)
    assert track("rtsp://camera/1", "--smooth", "savgol", "-o", "o.mp4") == 2
    assert "'rtsp://camera/1' goes on: choose --smooth one-euro" in capsys.readouterr().err
    assert os.listdir() == []


def test_threads_change_nothing(track: Track, clips: Clips) -> None:
    for workers in "012":
        assert (
            track(clips(), "--jsonl", f"{workers}.jsonl", "-o", f"{workers}.mp4", "--workers", workers) == 0
        )
    assert Path("0.jsonl").read_bytes() == Path("1.jsonl").read_bytes() == Path("2.jsonl").read_bytes()


def test_options_reach_the_tracker(track: Track, clips: Clips) -> None:
    options = ["--no-propagate", "--preset", "fast", "--queue", "3", "--nms", "0.6", "--max-crops", "2"]
    assert track(clips(), "--json", "r.json", *options) == 0
    chosen = json.loads(Path("r.json").read_text())["options"]
    assert not chosen["propagate"]
    assert [chosen[name] for name in ("detect_every", "queue", "nms", "max_crops")] == [5, 3, 0.6, 2]


def test_missing_folders_are_made(track: Track, clips: Clips) -> None:
    options = ["--json=b/b/r.json", "--csv=c/d/", "--posetrack=c/p.json", "--openpose=e/e"]
    assert track(clips(), "-o", "a/v.mp4", *options) == 0
    assert sorted(os.listdir()) == ["a", "b", "c", "e"]
    assert sorted(os.listdir("c")) == ["d", "p.json"]
    assert [path.name for path in Path("c/d").iterdir()] == ["clip_poses.csv"]


def test_nobody_in_the_video(track: Track, clips: Clips, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "none.txt").write_text("900,-1,1,1,10,20,1\n")
    assert track(clips(), "--detections", "none.txt", boxes=False) == 0
    assert "warning: nobody was found" in capsys.readouterr().err
    assert people_in("clip_poses.json") == [[]] * 12
    assert len(video_times(Path("clip_tracked.mp4"))) == 12


def test_quiet_and_overwrite(track: Track, clips: Clips, capsys: Capture) -> None:
    assert track(clips(), "--json", "r.json", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    before = Path("r.json").read_bytes()
    assert track(clips(), "--json", "r.json", "--start", "f3") == 2
    assert "'r.json' exists: add --overwrite" in capsys.readouterr().err
    assert Path("r.json").read_bytes() == before
    assert track(clips(), "--json", "r.json", "--start", "f3", "--overwrite") == 0
    assert len(people_in("r.json")) == 9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.mp4"], "no such file"),
        (["n" * 300], "no such file: 'nnn"),
        (["CLIP", "--json", "n" * 300], "nnn': File name too long"),
        (["CLIP", "--start", "-1"], "negative time"),
        (["CLIP", "--start=-1"], "negative time"),
        (["CLIP", "--start", "50"], "no frame from 50 s on: 'CLIP' ends at 0.44 s"),
        (["CLIP", "--end", "0"], "no frame before 0 s: 'CLIP' has one at 0 s"),
        (["CLIP", "--start", "0.41", "--end", "f11"], "no frame from 0.41 s on, before frame 11"),
        (["CLIP", "--similarity", "best"], "invalid choice: 'best'"),
        (["CLIP", "--joint-threshold", "7"], "from 0 to 1"),
        (["CLIP", "--detect-every", "0"], "from 1"),
        (["CLIP", "--workers", "-1"], "invalid choice: -1 (choose from 0, 1, 2)"),
        (["CLIP", "--workers", "3"], "invalid choice: 3"),
        (["CLIP", "--frame-rate", "30"], "--frame-rate is for pictures; 'CLIP' has times of its own"),
        (["FOLDER", "--frame-rate", "nan"], "wrong frame rate nan"),
        (["FOLDER", "--frame-rate", "0.0001"], "wrong frame rate 0.0001"),
        (["CLIP", "--json", ""], "argument --json: the name is empty"),
        ([""], "argument INPUT: the name is empty"),
        (["CLIP", "--follow", "0"], "argument --follow: '0': give a whole number from 1"),
        (["CLIP", "--json", "r.json", "--trails"], "--trails needs a video to draw in"),
        (["CLIP", "--json", "r.json", "--no-ids"], "--no-ids needs a video to draw in"),
        (["CLIP", "--detector", "x", "--detections", "y"], "not allowed with argument --detector"),
        (["CLIP", "CLIP", "--detector", "b.txt"], "'b.txt' fit one video, but there are 2 inputs"),
        (["CLIP", "-o", "out.gif"], "give a name that ends in"),
        (["CLIP", "-o", "/dev/null/out.mp4"], "cannot make the folder '/dev/null'"),
        (["CLIP", "--json", "same", "--csv", "same"], "would be 'same'"),
        (["CLIP", "-o", "CLIP", "--overwrite"], "'CLIP': it is an input"),
        (["CLIP", "--detections", "b.json", "--json", "b.json", "--overwrite"], "'b.json': it is an input"),
        (["CLIP", "--pose-model", "CLIP"], "clip.mp4"),
        (["CLIP", "--detector", "best"], "unknown detector"),
        (["CLIP", "CLIP", "--json", "r.json"], "folder"),
        ([], "required: INPUT"),
    ],
)
def test_wrong_arguments(
    track: Track, clips: Clips, capsys: Capture, arguments: list[str], says: str
) -> None:
    places = {"CLIP": str(clips()), "FOLDER": str(clips().parent)}
    given = [places.get(argument, argument) for argument in arguments]
    own_detector = "--detector" in given or given.count(str(clips())) > 1
    assert track(*given, boxes=not own_detector) == 2
    printed = capsys.readouterr()
    assert says.replace("CLIP", str(clips())) in printed.err
    assert len(printed.err.splitlines()) == 1
    assert os.listdir() == []


def test_no_input_is_overwritten(track: Track, clips: Clips, capsys: Capture) -> None:
    """Also where another input's usual output has its name."""
    for name in ("street.mp4", "street_tracked.mp4"):
        Path(name).symlink_to(clips())
    assert track("street.mp4", "street_tracked.mp4", "--overwrite", boxes=False) == 2
    assert "cannot write 'street_tracked.mp4': it is an input" in capsys.readouterr().err
    assert len(os.listdir()) == 2


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="needs a user who may not write everywhere"
)
def test_folder_without_permission(track: Track, clips: Clips, capsys: Capture) -> None:
    Path("locked").mkdir(mode=0o500)
    assert track(clips(), "--json", "locked/r.json") == 2
    assert "Permission denied" in capsys.readouterr().err


def test_truncated_video_keeps_its_results(track: Track, clips: Clips, capsys: Capture) -> None:
    content = clips("whole.mkv", frames=75).read_bytes()
    Path("cut.mkv").write_bytes(content[: len(content) // 2])
    assert track("cut.mkv") == 1
    frames = len(people_in("cut_poses.json"))
    assert frames > 20
    assert len(video_times(Path("cut_tracked.mp4"))) == frames
    assert f"the results of {frames} frames are kept" in capsys.readouterr().err
    assert not json.loads(Path("cut_poses.json").read_text())["summary"]["complete"]


# As a process of its own: signals and limits concern all of it.


def start(folder: Path, *arguments: object, limit: int | None = None) -> subprocess.Popen[str]:
    def limit_files() -> None:
        import resource

        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, str(ROOT / "demos" / "track_video.py"), *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=limit_files,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_interrupted_run_leaves_whole_files(
    clips: Clips, tiny_model: Path, boxes_file: Path, tmp_path: Path
) -> None:
    models = ("--pose-model", tiny_model, "--detections", boxes_file, "--engine", "torch")
    outputs = ("-o", "o.mp4", "--json", "r.json", "--jsonl", "r.jsonl", "--posetrack", "p.json")
    process = start(tmp_path, clips("long.mp4", frames=2000, options={"g": "250"}), *models, *outputs)
    lines = tmp_path / f".r.jsonl.{process.pid}.part"
    deadline = time.monotonic() + 120
    while not lines.exists() or lines.stat().st_size < 20_000:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    frames = len(people_in(str(tmp_path / "r.json")))
    assert 5 < frames < 2000
    assert len(video_times(tmp_path / "o.mp4")) == frames
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == frames + 1
    assert len(json.loads((tmp_path / "p.json").read_text())["images"]) == frames
    assert sorted(os.listdir(tmp_path)) == ["o.mp4", "p.json", "r.json", "r.jsonl"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
def test_full_disk_leaves_whole_files(
    clips: Clips, tiny_model: Path, boxes_file: Path, tmp_path: Path
) -> None:
    models = ("--pose-model", tiny_model, "--detections", boxes_file, "--engine", "torch")
    outputs = ("-o", "o.mp4", "--json", "r.json", "--posetrack", "p.json", "--csv", "r.csv")
    process = start(tmp_path, clips("long.mp4", frames=300), *models, *outputs, limit=60_000)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "File too large" in errors
    assert "Traceback" not in errors
    result = json.loads((tmp_path / "r.json").read_text())
    assert 5 < len(result["frames"]) == result["summary"]["frames"] < 300
    assert not result["summary"]["complete"]
    assert len(json.loads((tmp_path / "p.json").read_text())["images"]) > 5
    assert len(video_times(tmp_path / "o.mp4")) >= 25  # a second and more of whole fragments


def test_help_is_quick_and_loads_no_network() -> None:
    code = "import sys; sys.argv = ['bin/track-video', '--help']; from demos.track_video import main\n"
    code += "try: main()\nexcept SystemExit: pass\nprint(sorted({'torch', 'openvino'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stdout.startswith("usage: track-video ")
    assert "\n  track-video frames/ --frame-rate 30" in done.stdout
    for option in ("--detector", "--posetrack", "--smooth", "--start", "--preset", "--detect-every"):
        assert option in done.stdout
