"""The player: pictures by number, corrections by request, saved files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.live.player import Pictures, player_app, view_results
from tracker.live.web import Address
from tracker.results.reading import read_run

from .conftest import served

FRAMES = 40


@pytest.fixture
def finished(track: Callable[..., int], clips: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """A tracked clip and its result."""
    video, result = clips(frames=FRAMES), tmp_path / "run.json"
    assert track(video, "--json", result, "--quiet") == 0
    return video, result


@pytest.fixture
def player(finished: tuple[Path, Path]) -> Iterator[Callable[..., Any]]:
    """``player(path, body)`` asks the served player; gives status and answer."""
    video, result = finished
    pictures = Pictures(str(video))
    address = Address("127.0.0.1", 0)
    with served(player_app(address, read_run(result), pictures, result)) as url:

        async def work(path: str, body: object) -> tuple[int, bytes]:
            async with aiohttp.ClientSession() as client:
                method = client.get if body is None else client.post
                given = {} if body is None else {"data": body if isinstance(body, str) else json.dumps(body)}
                async with method(url + path, **given) as answer:
                    return answer.status, await answer.read()

        yield lambda path, body=None: asyncio.run(work(path, body))
    pictures.close()


def test_pictures_by_number_in_any_order(
    clips: Callable[..., Path], draw_scene: Callable[[int], NDArray[np.uint8]]
) -> None:
    pictures = Pictures(str(clips(frames=120, width=320)))
    for number in (0, 1, 2, 100, 99, 30, 31, 119, 5):
        jpeg = pictures.jpeg(number)
        assert jpeg is not None
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)
        assert abs(image - draw_scene_wide(draw_scene, number)).mean() < 6, number
    assert pictures.jpeg(120) is None
    assert pictures.jpeg(5000) is None
    assert pictures.jpeg(0) is not None
    pictures.close()


def draw_scene_wide(draw_scene: Callable[..., NDArray[np.uint8]], number: int) -> NDArray:
    return draw_scene(number, 320, 64).astype(int)  # type: ignore[call-arg]


def test_page_gets_the_run_and_its_pictures(player: Callable[..., Any]) -> None:
    assert player("/session") == (200, b'{"mode": "player"}')
    run = json.loads(player("/run")[1])
    assert len(run["frames"]) == len(run["ids"]) == FRAMES
    assert {i for frame in run["ids"] for i in frame} == {1, 2}
    assert run["colours"].keys() == {"1", "2"}
    status, jpeg = player("/frames/7.jpg")
    assert status == 200
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (64, 96, 3)
    assert player(f"/frames/{FRAMES}.jpg")[0] == 404


def test_corrected_ids_are_saved_and_the_run_is_kept(
    player: Callable[..., Any], finished: tuple[Path, Path]
) -> None:
    before = finished[1].read_bytes()
    status, answer = player("/edit", {"kind": "split", "id": 1, "frame": 20})
    assert status == 200
    assert json.loads(answer)["edits"] == ["split 1 at frame 20 into 3"]
    assert player("/edit", {"kind": "rename", "id": 2, "other": 9})[0] == 200
    status, answer = player("/save", {"format": "json"})
    assert status == 200
    path = Path(json.loads(answer)["path"])
    assert path.name == "run_corrected.json"
    saved = json.loads(path.read_text())
    assert saved["corrections"] == ["split 1 at frame 20 into 3", "rename 2 to 9"]
    assert saved["summary"]["ids"] == 3
    for record in saved["frames"]:
        assert {p["id"] for p in record["people"]} == ({1, 9} if record["frame"] < 20 else {3, 9})
    assert finished[1].read_bytes() == before
    assert player(f"/saved/{path.name}")[1] == path.read_bytes()
    assert player("/saved/run.json")[0] == 404


@pytest.mark.parametrize("kind", ["posetrack", "coco", "csv", "mot"])
def test_other_formats_are_those_of_the_tracking_command(
    player: Callable[..., Any],
    finished: tuple[Path, Path],
    track: Callable[..., int],
    tmp_path: Path,
    kind: str,
) -> None:
    status, answer = player("/save", {"format": kind})
    assert status == 200
    direct = tmp_path / f"direct.{kind}"
    assert track(finished[0], f"--{kind}", direct, "--quiet") == 0
    saved = Path(json.loads(answer)["path"]).read_text()
    if kind in ("csv", "mot"):
        assert saved == direct.read_text()
    else:
        assert json.loads(saved) == json.loads(direct.read_text())


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/edit", {"kind": "merge", "id": 1, "other": 2}, "are both in 40 frames"),
        ("/edit", {"kind": "merge", "id": 1, "other": 7}, "no id 7"),
        ("/edit", {"kind": "rename", "id": None, "other": 3}, "no id 0"),
        ("/edit", {"kind": "rename", "id": "x", "other": 3}, "whole numbers"),
        ("/edit", {"kind": "rename", "id": 1, "other": 2**31}, "whole numbers up to 2147483647"),
        ("/edit", {"kind": "swap", "id": 1, "other": 99999999999999999999, "frame": 3}, "whole numbers up"),
        ("/edit", {"kind": "paint"}, "unknown correction"),
        ("/edit", {"kind": "undo"}, "no correction to take back"),
        ("/edit", "no json", "not JSON"),
        ("/edit", [], "not an object"),
        ("/save", {"format": "exe"}, "unknown format"),
        ("/save", {"format": ["json"]}, "unknown format"),
    ],
)
def test_wrong_requests_are_told_and_change_nothing(
    player: Callable[..., Any], path: str, body: object, words: str
) -> None:
    before = json.loads(player("/run")[1])["ids"]
    status, answer = player(path, body)
    assert status == 400
    assert words in json.loads(answer)["error"]
    assert json.loads(player("/run")[1])["ids"] == before


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_full_disk_is_told_and_leaves_no_part(
    player: Callable[..., Any], tmp_path: Path, full_disk: Callable[[int], Any], kind: str
) -> None:
    before = sorted(tmp_path.iterdir())
    with full_disk(2000):
        status, answer = player("/save", {"format": kind})
    assert status == 400
    assert json.loads(answer)["error"].startswith(f"cannot write '{tmp_path}")
    assert sorted(tmp_path.iterdir()) == before


def test_result_of_another_video_is_told(finished: tuple[Path, Path], clips: Callable[..., Path]) -> None:
    from models.errors import InputError

    with pytest.raises(InputError, match="belongs to a video of 96x64"):
        view_results(str(clips(width=128)), finished[1], "0", False)
