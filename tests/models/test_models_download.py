"""Downloads against a server of our own: interruptions, resumption, wrong hashes, refusals."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import zoo
from models.download import digest_of, download
from models.errors import InputError

CONTENT = np.random.default_rng(0).bytes(900_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every path but /missing; can break off, and forget how to resume."""

    break_after: int | None = None  # bytes of each answer
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights-{SHA256[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_a_download_lands_whole(server: Server, tmp_path: Path) -> None:
    path = download(server.url, tmp_path / "new" / "w.pth", SHA256)
    assert path.read_bytes() == CONTENT
    assert digest_of(path) == SHA256
    assert [p.name for p in path.parent.iterdir()] == ["w.pth"]


@pytest.mark.parametrize("prefix", ["", SHA256[:8], SHA256[:8].upper()])
def test_published_prefixes_are_enough(server: Server, tmp_path: Path, prefix: str) -> None:
    assert download(server.url, tmp_path / "w.pth", prefix).read_bytes() == CONTENT


def test_a_broken_transfer_is_resumed_at_once(server: Server, tmp_path: Path) -> None:
    server.break_after = 400_000
    assert download(server.url, tmp_path / "w.pth", SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-", "bytes=800000-"]


def test_what_came_is_kept_for_the_next_call(server: Server, tmp_path: Path) -> None:
    server.break_after = 200_000
    with pytest.raises(InputError, match=r"broke off after 600000 of 900000 bytes.*save it as") as error:
        download(server.url, tmp_path / "w.pth", SHA256)
    assert str(tmp_path / "w.pth") in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["w.pth.part"]
    server.break_after = None
    assert download(server.url, tmp_path / "w.pth", SHA256).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=600000-"


def test_a_server_that_cannot_resume_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(b"x" * 1000)
    server.ranges = False
    assert download(server.url, tmp_path / "w.pth", SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("leftover", [CONTENT, CONTENT + b"more"])
def test_a_part_that_is_already_whole_or_too_long(server: Server, tmp_path: Path, leftover: bytes) -> None:
    (tmp_path / "w.pth.part").write_bytes(leftover)
    assert download(server.url, tmp_path / "w.pth", SHA256).read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="published deadbeef"):
        download(server.url, tmp_path / "w.pth", "deadbeef")
    assert list(tmp_path.iterdir()) == []


def test_a_stale_part_of_another_file_is_found_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match="sha256"):
        download(server.url, tmp_path / "w.pth", SHA256)
    assert download(server.url, tmp_path / "w.pth", SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/missing", "404"),
        ("http://127.0.0.1:9/w.pth", "refused"),
        ("http://no.invalid/w", "cannot download"),
    ],
)
def test_no_network_or_no_file_is_one_line(server: Server, tmp_path: Path, url: str, reason: str) -> None:
    address = url if url.startswith("http") else server.url.rsplit("/", 1)[0] + url
    with pytest.raises(InputError, match=reason) as error:
        download(address, tmp_path / "w.pth")
    assert address in str(error.value)
    assert str(tmp_path / "w.pth") in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot make the folder"):
        download(server.url, tmp_path / "file" / "w.pth", SHA256)


def test_the_zoo_fetches_into_the_cache_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLEPOSETRACK_CACHE", str(tmp_path / "cache"))
    entry = zoo.ZooEntry("here", "a server", "pose_resnet_18", "w.pth", server.url, sha256=SHA256[:8])
    monkeypatch.setattr(zoo, "entries", lambda: (entry,))
    path = zoo.fetch("here")
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "cache")
    assert zoo.fetch("here") == path
    assert len(server.asked) == 1


def test_files_without_an_address_say_where_to_find_and_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLEPOSETRACK_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"drive\.google\.com.*pose_resnet_50_256x192\.pth\.tar"):
        zoo.fetch("microsoft_pose_resnet_50_coco_256x192")
