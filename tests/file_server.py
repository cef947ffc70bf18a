"""A file server on this machine that cuts, stalls and lies on demand, and speaks as the Hugging Face hub does where it is asked to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

SAFETY = 30.0
LARGE = 200  # bytes from which on the fake hub keeps a file as LFS does


@dataclass(frozen=True)
class Odd:
    """What is odd about one answer."""

    cut: int | None = None  # the connection ends after so many bytes of it
    stall: bool = False  # after that, nothing comes any more
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    other: bytes | None = None  # these bytes instead
    no_range: bool = False
    shift: int = 0  # Range is answered from so many bytes on
    to: str = ""  # redirected there


@dataclass
class Files:
    """`odd(number, path)` decides about the request number `number` for a file."""

    files: dict[str, bytes]
    odd: Callable[[int, str], Odd | None] = lambda number, path: None
    commit: str = "c" * 40  # that of every branch
    before: tuple[str, ...] = ()  # commits that are there, too
    repo: str = "openlamm/LAMM_Dataset"
    licence: str = ""
    old: str = ""  # a name that the repository had before, from which the hub leads on
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # path, Range, Authorization
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def commit_of(self, revision: str) -> str | None:
        """What a branch or a commit leads to."""
        if revision == "gone":
            return None
        if re.fullmatch(r"[0-9a-f]{40}", revision):
            return revision if revision in (self.commit, *self.before) else None
        return self.commit


@contextlib.contextmanager
def file_server(files: dict[str, bytes], odd: Callable[[int, str], Odd | None] = lambda number, path: None) -> Iterator[Files]:
    state = Files(dict(files), odd)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            if state.old and f"/{state.old}/" in self.path:
                self.answer(307, b"", {"Location": self.path.replace(f"/{state.old}/", f"/{state.repo}/")})
                return
            path = unquote(self.path.split("?")[0]).lstrip("/")
            if path.startswith("api/"):
                self.tell(path)
                return
            name = re.sub(rf"^datasets/{state.repo}/resolve/[^/]+/", "", path)
            number = len(state.asked)
            state.asked.append((name, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
            self.give(name, state.odd(number, name) or Odd())

        def tell(self, path: str) -> None:
            """The hub's own words about a revision and its files."""
            if "/tree/" in path:
                rows = []
                for name, data in state.files.items():
                    row: dict[str, Any] = {
                        "type": "file",
                        "path": name,
                        "size": len(data),
                        "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
                    }
                    if len(data) >= LARGE:
                        row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
                    rows.append(row)
                self.answer(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
            elif commit := state.commit_of(path.rpartition("/revision/")[2]):
                told = {"id": state.repo, "sha": commit, "cardData": {"license": state.licence} if state.licence else None}
                self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
            else:
                self.answer(404, b'{"error": "Revision not found"}', {"X-Error-Code": "RevisionNotFound"})

        def give(self, name: str, odd: Odd) -> None:
            if odd.to:
                self.answer(302, b"", {"Location": odd.to})
                return
            if odd.status:
                self.answer(odd.status, b"no", odd.headers)
                return
            if name not in state.files:
                self.answer(404, b"no")
                return
            data = odd.other if odd.other is not None else state.files[name]
            tag = f'"{hashlib.md5(state.files[name]).hexdigest()}"'
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            changed = self.headers.get("If-Range", tag) != tag
            start = int(asked[1]) + odd.shift if asked and not odd.no_range and not changed else 0
            headers = {"ETag": tag, **odd.headers}
            if asked and start >= len(data) and start:
                self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.answer(206 if start else 200, data[start:], headers, odd)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, odd: Odd = Odd()) -> None:  # noqa: B008
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if odd.cut is None else body[: odd.cut])
            self.wfile.flush()
            if odd.stall:
                state.closing.wait(SAFETY)
            if odd.cut is not None:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
