"""Fetch a file: with progress, resumed where it broke off, verified, and never half in its place."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from models.errors import InputError
from models.files import make_folder
from models.progress import progress

CHUNK = 1 << 18
TRIES = 3
TIMEOUT = 30  # seconds without a byte


def download(url: str, path: Path, sha256: str = "") -> Path:
    """Fetch a URL to a path.

    What has come is kept in ``<path>.part``; a broken transfer is taken up there, three times now and again
    at the next call. The part becomes the file when it is whole and its hash is right.

    Args:
        url: http, https or file.
        path: where the file belongs; its folder is made.
        sha256: the whole digest in hexadecimal or its first digits; empty where none is known.

    Raises InputError without a network, for a refusal by the server, a transfer that breaks off again and
    again, a wrong hash (the part is removed then), or a folder that cannot be made.
    """
    make_folder(path.parent)
    part = path.with_name(path.name + ".part")
    for attempt in range(TRIES):
        try:
            _fetch(url, part)
            break
        except urllib.error.HTTPError as error:
            raise InputError(
                f"cannot download {url}: {error.code} {error.reason}; {_by_hand(path)}"
            ) from None
        except (OSError, HTTPException) as error:
            if attempt == TRIES - 1:
                reason = getattr(error, "reason", error)
                raise InputError(f"cannot download {url}: {reason}; {_by_hand(path)}") from None
    found = digest_of(part)
    if not found.startswith(sha256.lower()):
        part.unlink()
        raise InputError(
            f"{url}: sha256 is {found[: max(8, len(sha256))]}…, published {sha256}; nothing was kept"
        )
    part.replace(path)
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _by_hand(path: Path) -> str:
    return f"fetch it elsewhere and save it as {path}"


def _fetch(url: str, part: Path) -> None:
    """Append what is missing to the part file."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "simpleposetrack"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing, or the file there is another now: begin anew
            part.unlink()
            return _fetch(url, part)
        raise
    with response:
        if getattr(response, "status", None) != 206:
            have = 0  # the server sends the whole file
        _save(response, part, have)
    return None


def _save(response: HTTPResponse, part: Path, have: int) -> None:
    rest = response.headers.get("Content-Length")
    total = have + int(rest) if rest is not None else None
    with (
        part.open("ab" if have else "wb") as file,
        progress(part.stem, total, have, in_bytes=True) as step,
    ):
        while chunk := response.read(CHUNK):
            file.write(chunk)
            step(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise HTTPException(f"broke off after {part.stat().st_size} of {total} bytes")
