"""A finished run in the browser: its pictures by number, its people, corrections of ids, and saving.

Addresses: ``/run`` (facts and frames, see `_facts`), ``/frames/N.jpg``, ``POST /edit`` with ``{"kind":
"rename|merge|split|swap|delete|undo", "id", "other", "frame"}``, ``POST /save`` with ``{"format": "json|
posetrack|coco|csv|mot"}``, ``/saved/NAME``. Errors come as ``{"error": text}`` with status 400.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from aiohttp import web

from models.errors import InputError
from models.files import whole_file, write_json
from tracker.corrections import Corrections
from tracker.draw import DrawOptions
from tracker.live.broadcast import to_jpeg
from tracker.live.messages import hex_colour
from tracker.live.recording import free_path
from tracker.live.web import Address, new_app, print_address, run_app
from tracker.outputs import NAMES, OutputPlan, close_all, write_all
from tracker.results.reading import SavedRun, read_run
from tracker.video import open_source
from tracker.video.source import DamagedSourceError, Source, SourceInfo

CACHED = 200  # pictures kept as JPEG
LARGEST = 2**31 - 1  # id or frame that a correction may name
FORWARD = 60  # pictures that are sooner decoded one after the other than jumped over
BEFORE = 8  # pictures before the one wanted that a jump takes along, for a step back


class Pictures:
    """Pictures of a video by their number, as JPEG; one after the other is quick, jumps are slower."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._source: Source = open_source(path)
        self._frames = iter(self._source)
        self._next = 0
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._lock = Lock()

    def jpeg(self, number: int) -> bytes | None:
        """The picture; None where the video has none of that number or it cannot be decoded."""
        with self._lock:
            if number not in self._cache:
                self._read(number)
            return self._cache.get(number)

    @property
    def info(self) -> SourceInfo:
        """Facts of the video."""
        return self._source.info

    def close(self) -> None:
        self._source.close()

    def _read(self, number: int) -> None:
        try:
            if not self._next <= number < self._next + FORWARD:
                self._jump(max(0, number - BEFORE))
            for frame in self._frames:
                self._next = frame.index + 1
                self._cache[frame.index] = to_jpeg(frame.image)
                if len(self._cache) > CACHED:
                    self._cache.popitem(last=False)
                if frame.index >= number:
                    return
        except (InputError, DamagedSourceError):
            return

    def _jump(self, number: int) -> None:
        self._source.close()
        self._source = open_source(self._path, start=f"f{number}" if number else None)
        self._frames = iter(self._source)
        self._next = number


def view_results(video: str, result: Path, serve: str, allow_remote: bool) -> int:
    """Serve a finished run until Ctrl-C; gives the exit status. InputError tells what cannot be shown."""
    address = Address.parse(serve, allow_remote)
    run = read_run(result)
    pictures = Pictures(video)
    facts, size = run.head["video"], (pictures.info.width, pictures.info.height)
    if size != (facts["width"], facts["height"]):
        pictures.close()
        raise InputError(
            f"'{result}' belongs to a video of {facts['width']}x{facts['height']} pixels, '{video}' has "
            f"{size[0]}x{size[1]}: give the video that was tracked"
        )
    try:
        asyncio.run(run_app(player_app(address, run, pictures, result), address, print_address))
    finally:
        pictures.close()
    return 0


def player_app(address: Address, run: SavedRun, pictures: Pictures, result: Path) -> web.Application:
    """The application.

    Args:
        address: decides who may come in.
        run: that is shown.
        pictures: of its video.
        result: the run's file; corrected ones are written beside it.
    """
    app = new_app(address)
    PlayerPages(run, pictures, result).add_to(app)
    return app


class PlayerPages:
    """What the page asks for."""

    def __init__(self, run: SavedRun, pictures: Pictures, result: Path) -> None:
        self._run = run
        self._pictures = pictures
        self._result = result
        self._corrections = Corrections(run)
        self._saved: dict[str, Path] = {}  # format → file that was written for it

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/session", self._session)
        app.router.add_get("/run", self._get_run)
        app.router.add_get(r"/frames/{number:\d+}.jpg", self._get_picture)
        app.router.add_post("/edit", self._edit)
        app.router.add_post("/save", self._save)
        app.router.add_get("/saved/{name}", self._download)

    async def _session(self, request: web.Request) -> web.Response:
        return web.json_response({"mode": "player"})

    async def _get_run(self, request: web.Request) -> web.Response:
        body = await asyncio.to_thread(orjson.dumps, self._facts())
        response = web.Response(body=body, content_type="application/json")
        response.enable_compression()
        return response

    def _facts(self) -> dict[str, Any]:
        """What the page shows: facts of the keypoints, the frames, and the ids as they are now."""
        head, keypoints = self._run.head, self._run.keypoints
        return {
            "camera": Path(head["video"]["path"]).name,
            "width": head["video"]["width"],
            "height": head["video"]["height"],
            "keypoints": keypoints.names,
            "limbs": keypoints.limb_index.tolist(),
            "joint_threshold": head["options"]["joint_threshold"],
            "frames": self._run.frames,
            **self._ids(),
        }

    def _ids(self) -> dict[str, Any]:
        """The ids of each frame's people (0: deleted), their colours, and the corrections in words."""
        ids = self._corrections.by_frame()
        colours = {str(i): hex_colour(i) for frame in ids for i in frame if i}
        return {"ids": ids, "colours": colours, "edits": self._corrections.texts}

    async def _get_picture(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        jpeg = await asyncio.to_thread(self._pictures.jpeg, number)
        if jpeg is None:
            raise web.HTTPNotFound(text=f"the video has no frame {number}")
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})

    async def _edit(self, request: web.Request) -> web.Response:
        try:
            self._correct(await _body(request))
        except InputError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self._ids())

    def _correct(self, edit: dict[str, Any]) -> None:
        corrections, kind = self._corrections, edit.get("kind")
        try:
            numbers = [int(edit.get(name) or 0) for name in ("id", "other", "frame")]
        except (TypeError, ValueError):
            raise InputError("ids and frames are whole numbers") from None
        if max(numbers) > LARGEST:
            raise InputError(f"ids and frames are whole numbers up to {LARGEST}")
        track_id, other, frame = numbers
        match kind:
            case "rename":
                corrections.rename(track_id, other)
            case "merge":
                corrections.merge(track_id, other)
            case "split":
                corrections.split(track_id, frame)
            case "swap":
                corrections.swap(track_id, other, frame)
            case "delete":
                corrections.delete(track_id)
            case "undo":
                corrections.undo()
            case _:
                raise InputError(f"unknown correction '{kind}'")

    async def _save(self, request: web.Request) -> web.Response:
        try:
            kind = (await _body(request)).get("format")
            path = await asyncio.to_thread(self._write, kind)
        except InputError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"path": str(path), "name": path.name})

    def _write(self, kind: object) -> Path:
        """Write the corrected run; a file written before in this session is replaced, any other kept."""
        if kind not in ("json", "posetrack", "coco", "csv", "mot"):
            raise InputError(f"unknown format '{kind}'")
        name = f"{self._result.stem}_corrected"
        suffix = ".json" if kind == "json" else NAMES[kind]
        path = self._saved.get(kind) or free_path(self._result.with_name(name + suffix))
        run = self._corrections.corrected()
        if kind == "json":
            write_run(path, run)
        else:
            with whole_file(path) as beside:
                sinks = OutputPlan(str(self._result), {kind: beside}).open(run.run_info(), DrawOptions())
                try:
                    for result in run.results():
                        write_all(sinks, result)
                finally:
                    close_all(sinks, complete=True)
        self._saved[kind] = path
        return path

    async def _download(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = next((path for path in self._saved.values() if path.name == name), None)
        if path is None:
            raise web.HTTPNotFound(text=f"no file '{name}' was saved")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def write_run(path: Path, run: SavedRun) -> None:
    """Write a run as JSON, whole or not at all; raises InputError."""
    summary = {"summary": run.head["summary"]} if "summary" in run.head else {}
    head = {name: value for name, value in run.head.items() if name != "summary"}
    write_json(path, {**head, "frames": run.frames, **summary})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise InputError("what came is not JSON") from None
    if not isinstance(body, dict):
        raise InputError("what came is not an object")
    return body
