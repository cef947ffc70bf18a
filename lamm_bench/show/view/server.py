"""The page over runs that are still being asked, served to this machine alone, of the standard library alone.

Every address is one of a few forms, and no part of it is ever taken as a path. Data go out as scripts, as in a page on a disk; so that
no page of another site can take them in, requests from other sites are refused and browsers are told so."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lamm_bench.ask.catalog import Catalog
from lamm_bench.errors import BenchError
from lamm_bench.serving.line import Line

from .live import TOGETHER, Live
from .page import HERE, SCRIPTS, STYLES, page_text
from .pictures import Pictures
from .runs import distinct, title_of
from .shards import ROWS, as_text, call_of

PAUSE = 1.0  # seconds between two looks at the runs
KINDS = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".jpg": "image/jpeg"}
SCRIPT, PAGE = "text/javascript; charset=utf-8", "text/html; charset=utf-8"
MEDIUM = re.compile(r"/media/([0-9a-f]{2})/(\1[0-9a-f]{18})(\.js|\.png|\.jpg)?")
BLOCK = re.compile(r"/data/(rows|more)-(\d{1,7})\.js")
SINCE = re.compile(r"/data/since-(\d{1,9})-(\d{1,9})\.js")
OWN = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")  # how this machine is called; no other site's name may lead here
Said = tuple[str, bytes]


@dataclass(frozen=True)
class Watching:
    """A page at work."""

    url: str
    live: Live
    ended: threading.Event

    def wait(self) -> None:
        """Until somebody interrupts."""
        while not self.ended.wait(3600):
            pass


@contextmanager
def watch(
    folders: Sequence[Path], roots: Sequence[Path], catalog: Catalog, side: int, port: int = 0, pause: float | None = PAUSE
) -> Iterator[Watching]:
    """Serves the page while the block runs, and looks at the runs every `pause` seconds (None: only when the block does).

    Raises `BenchError` where a folder is no run, or the port cannot be had."""
    names = distinct([folder.resolve().name for folder in folders])
    with tempfile.TemporaryDirectory(prefix="lamm-bench-view-", ignore_cleanup_errors=True) as place:
        live = Live(folders, roots, names, catalog, Pictures(Path(place), side))
        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), handler_of(live, title_of(names)))
        except (OSError, OverflowError) as error:
            raise BenchError(f"cannot serve at 127.0.0.1:{port}: {getattr(error, 'strerror', None) or error}") from error
        server.daemon_threads, server.block_on_close = True, False
        ended = threading.Event()
        threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)]
        if pause is not None:
            threads.append(threading.Thread(target=look_on, args=(live, ended, pause), daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield Watching(f"http://127.0.0.1:{server.server_address[1]}/", live, ended)
        finally:
            ended.set()
            server.shutdown()
            server.server_close()


def look_on(live: Live, ended: threading.Event, pause: float) -> None:
    """Looks at the runs until it is told to end; at once where more waits to be read."""
    while not ended.is_set():
        if not live.look():
            ended.wait(pause)


def answer_of(live: Live, title: str, path: str) -> Said | Path | None:
    """What stands at an address; None where there is nothing."""
    if path in ("/", "/index.html"):
        return PAGE, page_text(title).encode()
    if path == "/data/meta.js":
        return SCRIPT, f"lammView.meta({as_text(live.meta())});\n".encode()
    if path == "/favicon.ico":
        return "image/x-icon", b""
    if path.startswith("/page/"):
        name = path.removeprefix("/page/")
        return HERE / name if name in (*STYLES, *SCRIPTS) else None
    if found := BLOCK.fullmatch(path):
        number = int(found[2])
        if number * (ROWS if found[1] == "rows" else TOGETHER) >= len(live.rows):
            return None
        return SCRIPT, call_of(found[1], number, live.block(number) if found[1] == "rows" else live.details(number)).encode()
    if found := SINCE.fullmatch(path):
        return SCRIPT, call_of("heard", int(found[2]), live.since(int(found[1]), int(found[2]))).encode()
    if found := MEDIUM.fullmatch(path):
        return live.file(found[2], found[3] == ".js")
    return None


def handler_of(live: Live, title: str) -> type[BaseHTTPRequestHandler]:
    """What answers one connection."""

    class Handler(Line):
        def do_GET(self) -> None:
            self.guarded(self.told)

        def told(self) -> None:
            if not OWN.fullmatch(self.headers.get("host", "")) or self.headers.get("sec-fetch-site") in (
                "cross-site",
                "same-site",
            ):
                self.send(403, "text/plain", b"this page is for this machine alone\n")
                return
            found = answer_of(live, title, self.path.partition("?")[0])
            if isinstance(found, Path):
                kind = KINDS[found.suffix] + ("; charset=utf-8" if found.suffix in (".css", ".js") else "")
                self.send(200, kind, found.read_bytes(), kept=found.parent != HERE)
            elif found is not None:
                self.send(200, *found)
            else:
                self.send(404, "text/plain", b"there is nothing here\n")

        def guarded(self, what: Callable[[], None]) -> None:
            try:
                what()
            except (BrokenPipeError, ConnectionError, TimeoutError):
                self.close_connection = True
            except OSError:
                self.send(404, "text/plain", b"there is nothing here\n")

        def send(self, status: int, kind: str, data: bytes, kept: bool = False) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("x-content-type-options", "nosniff")
            self.send_header("cross-origin-resource-policy", "same-origin")
            self.send_header("cache-control", "max-age=3600" if kept else "no-store")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

    return Handler
