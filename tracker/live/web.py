"""The web server's frame: where it listens, who may come in, and the page's files.

Only this machine is served unless asked otherwise; then everybody needs the token that the printed address
holds. A page of another site can neither read nor command anything: requests must name this server as their
host (which defeats DNS rebinding) and, where a browser says where they come from, come from its own page.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from models.errors import InputError
from tracker.cli import ADDRESS

PAGE = Path(__file__).with_name("page")
COOKIE = "simpleposetrack_token"
LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Address:
    """Where to listen, and the token that everybody must know; None where only this machine comes in."""

    host: str
    port: int
    token: str | None = None

    @classmethod
    def parse(cls, text: str, allow_remote: bool = False) -> Address:
        """Read ``HOST:PORT``, ``HOST`` or ``PORT``; raises InputError for a host that others can reach."""
        usual = urlsplit(f"//{ADDRESS}")
        try:
            parts = urlsplit(f"//127.0.0.1:{text}" if text.isdecimal() else f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or re.search(r"[^\w.:%\[\]-]", text):
            raise InputError(f"wrong address '{text}': give HOST:PORT, such as {ADDRESS}")
        local = is_local(host)
        if not local and not allow_remote:
            raise InputError(
                f"'{host}' can be reached from other machines: add --allow-remote if they may see this, "
                f"or serve on {ADDRESS}"
            )
        port = usual.port if port is None else port
        assert port is not None
        return cls(host, port, None if local else secrets.token_urlsafe(16))

    def url(self, port: int) -> str:
        """The page's address on the port that was taken in the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}/" + (f"?token={self.token}" if self.token else "")


def is_local(host: str) -> bool:
    """Whether only this machine can reach a host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_app(address: Address) -> web.Application:
    """An application that serves the page to those who may see it."""
    app = web.Application(middlewares=[_guard(address)], client_max_size=1 << 20)
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", _index)
    app.router.add_static("/page", PAGE)
    return app


async def run_app(app: web.Application, address: Address, started: Callable[[str], None]) -> None:
    """Serve until the task is cancelled or the process is asked to end; `started` is told the page's address.

    Once it runs in the main thread, Ctrl-C and SIGTERM do nothing but end it, also afterwards.

    Raises InputError where the port is taken or the host is none of this machine's.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(*_: object) -> None:
        with suppress(RuntimeError):  # asked again after the end
            loop.call_soon_threadsafe(stop.set)

    with suppress(ValueError):  # the main thread alone hears of signals
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)  # the loop's own handlers would end with it: too early
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port)
        try:
            await site.start()
        except (OSError, UnicodeError) as error:  # the latter for a host that can be no name
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"cannot serve on {address.host}:{address.port}: {reason}; give another host or port"
            ) from None
        started(address.url(runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()


def print_address(url: str) -> None:
    """Tell the user where the page is."""
    print(f"open {url}   (Ctrl-C ends it)", flush=True)


def _guard(address: Address) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if address.token is None and _name(request.host) not in LOCAL_NAMES | {address.host}:
            raise web.HTTPForbidden(text="this server answers to its own name only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="requests of other sites are not answered")
        if address.token is None:
            return await handler(request)
        given = request.query.get("token") or request.cookies.get(COOKIE, "")
        if not hmac.compare_digest(given.encode(), address.token.encode()):
            raise web.HTTPForbidden(text="open the address with the token that the program has printed")
        response = await handler(request)
        if not response.prepared:
            response.set_cookie(COOKIE, address.token, httponly=True, samesite="Strict")
        return response

    return guard


def _name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "index.html")
