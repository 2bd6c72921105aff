"""A real browser without a window, spoken to over the DevTools protocol."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--remote-debugging-port=0",
    "--window-size=1400,1000",
)


class Browser:
    """One page; use it in a `with` block.

    Args:
        folder: empty; takes the profile and downloads.
    """

    def __init__(self, folder: Path) -> None:
        assert PROGRAM
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        self._loop = asyncio.new_event_loop()
        self._log = folder / "chromium.log"
        with self._log.open("w") as log:
            profile = f"--user-data-dir={folder / 'profile'}"
            self._process = subprocess.Popen([PROGRAM, *FLAGS, profile, "about:blank"], stderr=log)
        self._number = 0
        self.errors: list[str] = []
        self._loop.run_until_complete(self._connect())

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()
        self._process.terminate()
        self._process.wait()

    def open(self, url: str) -> None:
        """Open the page and wait for its program."""
        self.call("Page.navigate", url=url)
        self.until("Boolean(window.app?.source)")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 40) -> None:
        """Wait until an expression is true in the page; fail where it does not become so."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < end, f"not in time: {script}; {self.errors}"
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """A real click in the middle of an element."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            "const b = e.getClientRects()[0]; return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.click_at(*box)

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press and release a key, by its character or by its name in the DOM."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def downloaded(self, name: str) -> Path:
        """Wait for a download to be whole."""
        path, end = self.downloads / name, time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < end, f"no download {name}: {list(self.downloads.iterdir())}"
            time.sleep(0.1)
        return path

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _connect(self) -> None:
        end = time.monotonic() + 60
        while not (found := re.search(r"ws://127\.0\.0\.1:(\d+)/", self._log.read_text())):
            assert time.monotonic() < end, self._log.read_text()
            await asyncio.sleep(0.1)
        self._client = aiohttp.ClientSession()
        async with self._client.get(f"http://127.0.0.1:{found[1]}/json") as answer:
            page = next(target for target in await answer.json() if target["type"] == "page")
        self._socket = await self._client.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=1 << 28)
        for domain in ("Page", "Runtime", "Log"):
            await self._call(f"{domain}.enable", {})
        await self._call(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
        )

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=60)
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(message["params"]["exceptionDetails"]))
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"])
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
