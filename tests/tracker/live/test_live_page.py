"""The page in a real browser: what it shows, its controls, a recording downloaded, ids corrected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.live.player import Pictures, player_app
from tracker.live.server import live_app
from tracker.live.session import LiveSession
from tracker.live.web import Address
from tracker.pipeline import PoseTracker
from tracker.results.reading import read_run

from . import chromium
from .conftest import served

pytestmark = pytest.mark.skipif(not chromium.PROGRAM, reason="chromium is not installed")
LOCAL = Address("127.0.0.1", 0)
PICTURE = "document.querySelector('#picture')"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[chromium.Browser]:
    folder = tmp_path / "browser"
    folder.mkdir()
    with chromium.Browser(folder) as browser:
        yield browser


def canvas_image(browser: chromium.Browser) -> NDArray[np.uint8]:
    """What the page has drawn, (H, W, 3) BGR."""
    import base64

    url = browser.run(f"{PICTURE}.toDataURL('image/png')")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)


def test_live_page(
    browser: chromium.Browser, live_clip: LiveSession, new_tracker: Callable[[], PoseTracker]
) -> None:
    with served(live_app(LOCAL, live_clip, new_tracker, 1)) as url:
        browser.open(url)
        browser.until("document.querySelectorAll('#people li').length >= 2")
        browser.until("document.querySelector('#latency').textContent.endsWith('ms')")
        assert browser.run("document.querySelector('#state').textContent") == "live"
        browser.run("app.setPaused(true)")
        assert canvas_image(browser).shape == (64, 96, 3)

        # the switches change what is drawn
        for name, key in (("boxes", "b"), ("ids", "i"), ("names", "n")):
            before = canvas_image(browser)
            browser.click(f"[data-switch={name}]")
            assert (canvas_image(browser) != before).any(), name
            browser.press(key)
            assert (canvas_image(browser) == before).all(), name
        browser.press("m")
        assert "pose" in browser.run("document.querySelector('#stages').textContent")
        browser.press(" ")
        assert browser.run("app.paused") is False

        # a click in the list follows a person, Escape ends it
        browser.click("#people li")
        assert browser.run("app.stage.followed") == browser.run(
            "+document.querySelector('#people li').dataset.key"
        )
        browser.press("Escape")
        assert browser.run("app.stage.followed") is None

        # plots have lines
        browser.until(
            "(() => { const c = document.querySelector('#angles'); const d = c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data; const colours = new Set();"
            "for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 250) "
            "colours.add(`${d[i]},${d[i+1]},${d[i+2]}`);"
            "return colours.size > 3; })()"
        )

        # a recording: begun and ended by the key, downloaded by a click, and it plays
        browser.press("r")
        browser.until("app.source.recording")
        browser.until("parseInt(document.querySelector('#recording').textContent) > 5")
        browser.press("r")
        browser.until("document.querySelectorAll('#recordings a').length == 2")
        browser.click("#recordings a")
        path = browser.downloaded(live_clip.saved[0].name)
        with av.open(str(path)) as video:
            assert sum(1 for _ in video.decode(video=0)) > 5
        browser.click("[data-act=screenshot]")
        browser.until("document.querySelector('#state').textContent == 'live'")
    assert not browser.errors


def test_page_says_when_the_program_is_gone(
    browser: chromium.Browser, live_clip: LiveSession, new_tracker: Callable[[], PoseTracker]
) -> None:
    with served(live_app(LOCAL, live_clip, new_tracker, 1)) as url:
        browser.open(url)
        browser.until("document.querySelectorAll('#people li').length >= 1")
    browser.until("document.querySelector('#state').dataset.state == 'closed'")
    assert "does not answer" in browser.run("document.querySelector('#notice').textContent")


def test_page_brings_its_own_camera(
    browser: chromium.Browser, new_tracker: Callable[[], PoseTracker]
) -> None:
    with served(live_app(LOCAL, None, new_tracker, 1)) as url:
        browser.open(f"{url}/?source=browser")
        browser.until("!document.querySelector('#drop').hidden")
        browser.click("#use-camera")
        browser.until("app.stage.frame && app.stage.frame.number > 5")
        assert canvas_image(browser).std() > 10  # the browser's made-up camera shows something
        browser.until("document.querySelector('#latency').textContent.endsWith('ms')")
    assert not [e for e in browser.errors if "WebSocket" not in e]


def test_player(
    browser: chromium.Browser, track: Callable[..., int], clips: Callable[..., Path], tmp_path: Path
) -> None:
    video, result = clips(frames=40), tmp_path / "run.json"
    assert track(video, "--json", result, "--quiet") == 0
    pictures = Pictures(str(video))

    def value(script: str) -> Any:
        return browser.run(script)

    with served(player_app(LOCAL, read_run(result), pictures, result)) as url:
        browser.open(url)
        browser.until("app.stage.picture && document.querySelectorAll('#people li').length == 2")
        first = canvas_image(browser)
        browser.press("ArrowRight")
        browser.until("app.source.at == 1 && app.stage.frame.frame == 1")
        browser.run("app.source.seek(20)")
        browser.until("app.stage.frame.frame == 20")
        assert (canvas_image(browser) != first).any()

        # hiding everybody leaves the bare picture
        shown = canvas_image(browser)
        for key in ("1", "2"):
            browser.click(f"#people li[data-key='{key}'] input")
        assert value("app.stage.hidden.size") == 2
        assert (canvas_image(browser) != shown).any()
        for key in ("1", "2"):
            browser.click(f"#people li[data-key='{key}'] input")

        # split and save
        browser.click("#people li[data-key='1']")
        assert value("app.stage.followed") == 1
        browser.click("[data-edit=split]")
        browser.until("document.querySelectorAll('#people li').length == 3")
        browser.click("[data-edit=undo]")
        browser.until("document.querySelectorAll('#people li').length == 2")
        browser.run("document.querySelector('#other').value = 5")
        browser.click("[data-edit=rename]")
        browser.until("document.querySelector('#people li:last-child b').textContent == '5'")
        browser.click("[data-edit=merge]")  # with itself: refused, and said so
        browser.until("document.querySelector('#notice').textContent.includes('one person already')")
        browser.click("#save")
        browser.until("document.querySelector('#saved-as a')")
        saved = json.loads((tmp_path / "run_corrected.json").read_text())
        assert {p["id"] for record in saved["frames"] for p in record["people"]} == {2, 5}

        # it plays to the end
        browser.run("app.source.seek(30)")
        browser.press(" ")
        browser.until("app.source.at == 39 && !app.source.playing")
    pictures.close()
    assert not [e for e in browser.errors if "400" not in e]  # the refused correction
