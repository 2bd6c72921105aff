"""The live view's server: who may come in, pictures, people, recordings, pages with their own pictures."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InputError
from tracker.live.server import live_app
from tracker.live.session import LiveSession
from tracker.live.web import Address
from tracker.pipeline import PoseTracker
from tracker.smoothing import Smooth
from tracker.types import FrameResult

from .conftest import served

LOCAL = Address("127.0.0.1", 0)
NewTracker = Callable[[], PoseTracker]


def ask(work: Callable[[aiohttp.ClientSession], Awaitable[Any]]) -> Any:
    """Run a client's work."""

    async def run() -> Any:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
            return await work(client)

    return asyncio.run(run())


def status_of(url: str, **given: Any) -> int:
    async def work(client: aiohttp.ClientSession) -> int:
        async with client.get(url, **given) as answer:
            return answer.status

    return int(ask(work))


async def messages(page: aiohttp.ClientWebSocketResponse, kind: str, number: int = 1) -> list[dict[str, Any]]:
    """The next messages of a kind."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        message = await page.receive_json(timeout=20)
        if message["type"] == kind:
            found.append(message)
    return found


async def parts(answer: aiohttp.ClientResponse, number: int) -> dict[int, bytes]:
    """Frame number → JPEG of the next parts of a stream."""
    reader = answer.content
    found = {}
    for _ in range(number):
        fields = {}
        assert (await reader.readline()).strip() == b"--frame"
        while (line := (await reader.readline()).strip()) != b"":
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        found[int(fields["X-Number"])] = await reader.readexactly(int(fields["Content-Length"]))
        assert await reader.readline() == b"\r\n"
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("localhost", ("localhost", 8008)),
        ("9000", ("127.0.0.1", 9000)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.token) == (*expected, None)


@pytest.mark.parametrize("text", ["0.0.0.0:9000", "192.168.1.5", "example.org:80", "[::]:80"])
def test_other_machines_come_in_only_when_allowed_and_with_a_token(text: str) -> None:
    with pytest.raises(InputError, match="--allow-remote"):
        Address.parse(text)
    first, second = (Address.parse(text, allow_remote=True) for _ in range(2))
    assert first.token
    assert len(first.token) >= 16
    assert first.token != second.token
    assert first.url(80).endswith(f"?token={first.token}")


@pytest.mark.parametrize(
    "text", ["localhost:http", "localhost:99999", "a/b", "a?b", "a b", "u@a", "[::1", ""]
)
def test_wrong_addresses_are_told(text: str) -> None:
    with pytest.raises(InputError, match="wrong address"):
        Address.parse(text)


def test_strangers_are_turned_away(new_tracker: NewTracker) -> None:
    with served(live_app(LOCAL, None, new_tracker, 1)) as url:
        assert status_of(f"{url}/") == 200
        assert status_of(f"{url}/page/main.js") == 200
        assert status_of(f"{url}/", headers={"Host": "evil.example"}) == 403
        assert status_of(f"{url}/session", headers={"Origin": "http://evil.example"}) == 403
        assert status_of(f"{url}/session", headers={"Origin": url}) == 200
        for path in ("/page/../web.py", "/page/%2e%2e/web.py", "/page/..%2fweb.py", "/recordings/x"):
            assert status_of(url + path) == 404


def test_token_opens_the_door_and_becomes_a_cookie(new_tracker: NewTracker) -> None:
    address = Address("127.0.0.1", 0, "secret-token")

    async def work(client: aiohttp.ClientSession, url: str) -> list[int]:
        found = []
        for path in ("/", "/?token=wrong", "/?token=secret-token", "/page/main.js"):
            async with client.get(url + path) as answer:
                found.append(answer.status)
                client.cookie_jar.update_cookies(answer.cookies, answer.url)
        return found

    async def run(url: str) -> list[int]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            return await work(client, url)

    with served(live_app(address, None, new_tracker, 1), address) as url:
        assert asyncio.run(run(url)) == [403, 403, 200, 200]


def test_page_may_load_nothing_from_elsewhere(new_tracker: NewTracker) -> None:
    async def work(client: aiohttp.ClientSession) -> tuple[str, str]:
        async with client.get(f"{url}/") as answer:
            return answer.headers["Content-Security-Policy"], await answer.text()

    with served(live_app(LOCAL, None, new_tracker, 1)) as url:
        policy, text = ask(work)
    assert policy.startswith("default-src 'self'")
    page = Path(__file__).parents[3] / "tracker" / "live" / "page"
    for file in page.iterdir():
        content = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in content
        assert "https://" not in content
    assert "<script type=" in text


def test_pictures_and_people_fit_together(live_clip: LiveSession, new_tracker: NewTracker) -> None:
    async def work(client: aiohttp.ClientSession) -> tuple[dict, dict[int, bytes], list[dict]]:
        async with client.ws_connect(f"{url}/people") as page, client.get(f"{url}/stream.mjpg") as stream:
            (hello,) = await messages(page, "hello")
            pictures, frames = await asyncio.gather(parts(stream, 8), messages(page, "frame", 12))
            return hello, pictures, frames

    with served(live_app(LOCAL, live_clip, new_tracker, 1)) as url:
        hello, pictures, frames = ask(work)
    assert hello["keypoints"][0] == "nose"
    by_number = {frame["number"]: frame for frame in frames}
    shared = by_number.keys() & pictures.keys()
    assert len(shared) >= 3
    for number in shared:
        frame = by_number[number]
        image = cv2.imdecode(np.frombuffer(pictures[number], np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape[:2] == (frame["height"], frame["width"]) == (64, 96)
        # the bright square of the clip stands where the person's box is
        person = max(frame["people"], key=lambda p: p["score"])
        left, top, width, height = (round(v) for v in person["box"])
        inside = image[max(0, top) + 4 : top + height - 4, left + 3 : left + width - 3]
        assert inside.mean() > image.mean() + 40
        assert person["colour"].startswith("#")
        assert len(person["keypoints"]) == len(hello["keypoints"])
        assert frame["captured"] <= frame["ready"]


def test_viewers_share_one_encoding(
    live_clip: LiveSession, new_tracker: NewTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tracker.live.broadcast as broadcast

    encoded = []
    original = broadcast.to_jpeg
    monkeypatch.setattr(broadcast, "to_jpeg", lambda image: encoded.append(1) or original(image))

    async def watch(client: aiohttp.ClientSession) -> dict[int, bytes]:
        async with client.get(f"{url}/stream.mjpg") as stream:
            return await parts(stream, 6)

    async def work(client: aiohttp.ClientSession) -> list[dict[int, bytes]]:
        return await asyncio.gather(*(watch(client) for _ in range(5)))

    with served(live_app(LOCAL, live_clip, new_tracker, 1)) as url:
        seen = ask(work)
    common = set.intersection(*(set(pictures) for pictures in seen))
    assert common
    for number in common:
        assert len({pictures[number] for pictures in seen}) == 1
    assert len(encoded) <= max(max(p) for p in seen) - min(min(p) for p in seen) + 3


def test_recording_is_begun_ended_and_downloaded(live_clip: LiveSession, new_tracker: NewTracker) -> None:
    async def work(client: aiohttp.ClientSession) -> tuple[list[str], bytes]:
        async with client.ws_connect(f"{url}/people") as page:
            await page.send_json({"type": "ping", "sent": 7})
            (pong,) = await messages(page, "pong")
            assert pong["sent"] == 7
            for nonsense in ("nothing", "[]", '{"no": 1}', '{"type": "fly"}'):
                await page.send_str(nonsense)
            await page.send_json({"type": "record", "on": True, "boxes": True})
            while True:
                (status,) = await messages(page, "status")
                if status["recording"] and status["recording"]["frames"] > 5:
                    break
            await page.send_json({"type": "record", "on": False})
            while not status["saved"]:
                (status,) = await messages(page, "status")
        async with client.get(f"{url}/recordings/{status['saved'][0]}") as answer:
            assert answer.status == 200
            assert "attachment" in answer.headers["Content-Disposition"]
            return status["saved"], await answer.read()

    with served(live_app(LOCAL, live_clip, new_tracker, 1)) as url:
        saved, data = ask(work)
        assert status_of(f"{url}/recordings/..%2f{saved[0]}") == 404
    import io

    with av.open(io.BytesIO(data)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 5
    assert saved[0].endswith("_tracked.mp4")
    assert saved[1].endswith("_poses.json")


def test_page_is_told_why_there_is_no_tracker_for_it() -> None:
    def new_tracker() -> PoseTracker:
        raise InputError("no memory is left on the device")

    async def work(client: aiohttp.ClientSession) -> list[Any]:
        async with client.ws_connect(f"{url}/browser") as page:
            return [await page.receive_json(), (await page.receive()).type]

    with served(live_app(LOCAL, None, new_tracker, 1)) as url:
        for _ in range(2):  # a page that has gone makes room
            message, then = ask(work)
            assert message == {"type": "error", "message": "no memory is left on the device"}
            assert then is aiohttp.WSMsgType.CLOSE


def test_page_with_its_own_pictures(
    new_tracker: NewTracker, draw_scene: Callable[[int], NDArray[np.uint8]]
) -> None:
    smoothed: list[list[int]] = []  # the frames of each source

    def new_smooth() -> Smooth:
        frames: list[int] = []
        smoothed.append(frames)

        def smooth(result: FrameResult) -> FrameResult:
            frames.append(result.frame.index)
            return result

        return smooth

    def picture(index: int) -> bytes:
        return struct.pack("<d", index / 25) + cv2.imencode(".png", draw_scene(index))[1].tobytes()

    async def work(client: aiohttp.ClientSession) -> tuple[list[dict], list[dict], dict]:
        async with client.ws_connect(f"{url}/browser") as page:
            await messages(page, "hello")
            async with client.ws_connect(f"{url}/browser") as second:
                refused = await second.receive_json()
            frames = []
            for index in range(6):
                await page.send_bytes(picture(index))
                frames += await messages(page, "frame")
            errors = []
            for broken in (b"", b"1234567", struct.pack("<d", 1) + b"no picture", struct.pack("<d", np.nan)):
                await page.send_bytes(broken)
                errors += await messages(page, "error")
            await page.send_str('{"type": "reset"}')
            await page.send_bytes(picture(0))
            (again,) = await messages(page, "frame")
            assert again["number"] == 0
            return frames, errors, refused

    with served(live_app(LOCAL, None, new_tracker, 1, new_smooth)) as url:
        frames, errors, refused = ask(work)
    assert refused["type"] == "error"
    assert [f["number"] for f in frames] == list(range(6))
    assert smoothed == [list(range(6)), [0]]
    assert all({p["id"] for p in f["people"]} == {1, 2} for f in frames)
    assert len(errors) == 4
