"""Sources: every kind of video comes out upright, with square pixels, its own times, to the last frame."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import InputError
from tracker.types import Frame
from tracker.video import open_source
from tracker.video.inputs import expand_inputs
from tracker.video.source import DamagedSourceError, TimeRange

Clips = Callable[..., Path]


def read(path: Path | str, *span: str | None, **options: float) -> list[Frame]:
    with open_source(str(path), *span, **options) as source:
        return list(source)


def red_corner(image: np.ndarray) -> str:
    """Where the red quarter lies: 'top left' before any turn."""
    height, width = image.shape[:2]
    redness = image[..., 2].astype(int) - image[..., 1]
    corners = {
        "top left": redness[: height // 8, : width // 8],
        "top right": redness[: height // 8, -width // 8 :],
        "bottom left": redness[-height // 8 :, : width // 8],
        "bottom right": redness[-height // 8 :, -width // 8 :],
    }
    return max(corners, key=lambda name: corners[name].mean())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("h264.mp4", {}),
        ("h264.ts", {}),
        ("b-frames.mp4", {"options": {"bf": "3"}}),
        ("hevc-10-bit.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
        ("prores-alpha.mov", {"codec": "prores_ks", "pix_fmt": "yuva444p10le"}),
        ("ffv1-grey.mkv", {"codec": "ffv1", "pix_fmt": "gray"}),
        ("ffv1-grey-16.mkv", {"codec": "ffv1", "pix_fmt": "gray16le"}),
        ("ffv1-odd.mkv", {"codec": "ffv1", "pix_fmt": "yuv444p", "width": 97, "height": 63}),
        ("vp8.webm", {"codec": "libvpx", "time_base": Fraction(1, 1000), "times": range(0, 480, 40)}),
        ("vp9-alpha.webm", {"codec": "libvpx-vp9", "pix_fmt": "yuva420p"}),
        ("mjpeg.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("mpeg4.avi", {"codec": "mpeg4"}),
        ("mpeg2.mpg", {"codec": "mpeg2video"}),
    ],
)
def test_codecs_and_containers(clips: Clips, name: str, changes: dict) -> None:
    frames = read(clips(name, **changes))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(12)], abs=0.001)
    size = (changes.get("height", 64), changes.get("width", 96), 3)
    assert all(frame.image.shape == size and frame.image.dtype == np.uint8 for frame in frames)
    brightest = [int(frame.image[40].mean(axis=1).argmax()) for frame in frames]
    assert np.diff(
        [np.mean(np.flatnonzero(f.image[40].mean(axis=1) > 200)) for f in frames]
    ) == pytest.approx(2, abs=1)
    assert brightest[-1] > brightest[0]


@pytest.mark.parametrize(
    ("degrees", "corner", "turn", "size"),
    [
        (None, "top left", 0, (96, 64)),
        (-90, "top right", 90, (64, 96)),
        (180, "bottom right", 180, (96, 64)),
        (90, "bottom left", 270, (64, 96)),
    ],
)
def test_rotation_is_undone(clips: Clips, degrees: int | None, corner: str, turn: int, size: tuple) -> None:
    with open_source(str(clips("turned.mp4", rotation=degrees, frames=3))) as source:
        assert (source.info.width, source.info.height, source.info.rotation) == (*size, turn)
        frames = list(source)
    assert frames[0].image.shape[1::-1] == size
    assert red_corner(frames[0].image) == corner


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(4, 3), (128, 64)), (Fraction(1, 2), (96, 128)), (Fraction(1), (96, 64))]
)
def test_anamorphic_pixels_become_square(clips: Clips, aspect: Fraction, size: tuple) -> None:
    with open_source(str(clips("wide.mp4", aspect=aspect, frames=3))) as source:
        assert (source.info.width, source.info.height) == size
        assert source.info.pixel_aspect == aspect
        assert next(iter(source)).image.shape[1::-1] == size


def test_facts(clips: Clips) -> None:
    with open_source(str(clips("facts.mp4", rate=Fraction(30000, 1001), audio="aac"))) as source:
        info = source.info
    assert info.frame_rate == Fraction(30000, 1001)
    assert info.frame_count == 12
    assert info.audio == ("aac",)
    assert info.codec == "h264"


@pytest.mark.parametrize("name", ["range.mp4", "range.mkv", "range.ts", "range-vp8.webm"])
@pytest.mark.parametrize(
    ("start", "end"),
    [("f7", None), (None, "f5"), ("f31", "f33"), ("0.5", "1"), ("f39", None), ("0:1.2", "f35")],
)
def test_range_is_a_slice_of_the_whole(clips: Clips, name: str, start: str | None, end: str | None) -> None:
    changes = {"codec": "libvpx", "time_base": Fraction(1, 1000), "times": range(0, 1600, 40)}
    path = clips(name, frames=40, **(changes if "vp8" in name else {"options": {"bf": "2"}}))
    whole = read(path)
    span = TimeRange.parse(start, end)
    wanted = [f for f in whole if span.begun(f.index, f.time) and not span.over(f.index, f.time)]
    part = read(path, start, end)
    assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in wanted]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, wanted, strict=True))


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("-1", None, "negative"),
        ("f-3", None, "negative"),
        ("2", "1", "empty range"),
        ("f5", "f5", "empty range"),
        ("soon", None, "seconds"),
        ("1e400", None, "wrong time '1e400'"),
        ("1e10", None, "at most"),
        ("f9999999999", None, "at most"),
        ("1e99999999", None, "wrong time"),
        ("1e-99999999", "0", "empty range"),
        ("nan", None, "wrong time"),
        ("1/0", None, "wrong time"),
        ("99", None, "no frame from 99 s on"),
        ("f99", None, "no frame from frame 99 on"),
    ],
)
def test_wrong_range(clips: Clips, start: str, end: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(clips(), start, end)


def test_times_begin_with_the_container(clips: Clips) -> None:
    """A transport stream begins at 1.4 s; its first frame is at 0 all the same."""
    assert read(clips("zero.ts"))[0].time == 0


def write_pictures(folder: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    for i, (name, (width, height)) in enumerate(sizes.items()):
        assert cv2.imwrite(str(folder / name), np.full((height, width, 3), 10 + 20 * i, np.uint8))
    return folder


def test_folder_of_pictures(tmp_path: Path) -> None:
    names = ["frame_1.png", "frame_2.jpg", "frame_10.bmp", "frame_100.webp"]
    write_pictures(tmp_path, dict.fromkeys(names, (32, 24)))
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = read(tmp_path, frame_rate=29.97)
    assert [round(frame.image.mean()) for frame in frames] == pytest.approx([10, 30, 50, 70], abs=1)
    assert frames[2].time == Fraction(2 * 1001, 30000) or frames[2].time == pytest.approx(2 / 29.97, abs=1e-6)
    assert len(read(tmp_path, "f1", "f3")) == 2
    with open_source(str(tmp_path), "f1", "f3", frame_rate=2) as source:
        assert (source.info.frame_count, source.info.duration) == (2, 2)
    with pytest.raises(InputError, match=r"no picture before 0 s: '.*' has 4, 25 a second"):
        open_source(str(tmp_path), end=0)
    assert len(read(str(tmp_path / "frame_1*"))) == 3
    assert len(read(tmp_path / "frame_1.png")) == 1


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_a_picture_that_was_cut_off_ends_the_results(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    whole = cv2.imencode(suffix, noise)[1].tobytes()
    _file(tmp_path / f"1{suffix}", whole + b"what a camera adds")
    _file(tmp_path / f"2{suffix}", whole[: len(whole) * 3 // 4])
    frames, error = read_damaged(tmp_path)
    assert len(frames) == 1
    assert f"2{suffix}': the results of 1 pictures are kept" in error


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "missing.mp4", "no such file"),
        (lambda folder: folder, "no pictures"),
        (lambda folder: _file(folder / "empty.mp4", b""), "is empty"),
        (lambda folder: folder / ("n" * 300), "no such file"),
        (lambda folder: os.mkfifo(folder / "pipe") or folder / "pipe", "'.*pipe' is a pipe"),
        (lambda folder: _file(folder / "text.mp4", b"hello world\n" * 40), "not a video"),
        (lambda folder: _file(folder / "text.txt", b"hello world\n" * 40), "cannot read"),
        (lambda folder: _file(folder / "bad.jpg", b"hello"), "not a picture"),
        (lambda folder: write_pictures(folder, {"a.png": (32, 24), "b.png": (24, 32)}), "different sizes"),
    ],
)
def test_input_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], Path], says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        open_source(str(make(tmp_path)))
    assert "\n" not in str(error.value)


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(InputError, match=r"no video stream \(found: audio pcm_s16le\)"):
        open_source(str(tmp_path / "sound.wav"))


def read_damaged(path: Path) -> tuple[list[Frame], str]:
    """The frames before the error, and the error."""
    frames: list[Frame] = []
    with open_source(str(path)) as source, pytest.raises(DamagedSourceError) as error:
        frames.extend(source)
    return frames, str(error.value)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.avi"])
def test_truncated_file_gives_what_is_there(clips: Clips, tmp_path: Path, name: str) -> None:
    whole = clips(name, frames=75, muxer={"movflags": "faststart"} if name.endswith("mp4") else None)
    content = whole.read_bytes()
    path = _file(tmp_path / name, content[: len(content) * 6 // 10])
    frames, error = read_damaged(path)
    assert 20 < len(frames) < 60
    assert "is damaged" in error
    assert f"{len(frames)} frames are kept" in error


def test_a_last_picture_that_stands_long_is_no_damage(clips: Clips) -> None:
    source = clips("slides.mkv", frames=3, times=[0, 1000, 3000], time_base=Fraction(1, 1000), duration=5000)
    assert [frame.time for frame in read(source)] == [0, 1, 3]


def test_damage_in_the_middle_is_stepped_over(clips: Clips, tmp_path: Path) -> None:
    content = bytearray(clips("hole.ts", frames=75).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    frames, _ = read_damaged(_file(tmp_path / "hole.ts", bytes(content)))
    assert 60 < len(frames) < 75
    assert frames[-1].time == Fraction(74, 25)


def test_patterns(clips: Clips, tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4"):
        _file(tmp_path / name, b"x")
    write_pictures(tmp_path, {"1.png": (8, 8), "2.png": (8, 8)})
    assert expand_inputs([str(tmp_path / "*.mp4")]) == [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")]
    assert expand_inputs([str(tmp_path / "*.png")]) == [str(tmp_path / "*.png")]
    with pytest.raises(InputError, match="nothing matches"):
        expand_inputs([str(tmp_path / "*.mov")])


def test_video_from_a_server(clips: Clips) -> None:
    path = clips("served.mp4")
    handler = partial(QuietHandler, directory=str(path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        frames = read(address + path.name, "f3", None)
        with pytest.raises(InputError, match="cannot read"):
            open_source(address + "missing.mp4")
        server.shutdown()
    assert [frame.index for frame in frames] == list(range(3, 12))


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line a request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""
