"""One connection of a small server of the standard library: silent, quick, and untouched by those who hang up."""

from __future__ import annotations

from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

PATIENCE = 60.0  # seconds that a client may take to say its request
DRAINED = 512 * 2**20  # bytes of a body that nobody reads, before the line is cut
PIECE = 2**16


class Line(BaseHTTPRequestHandler):
    """What servers of ours share. A client that goes away in the middle ends its own line and says nothing on our terminal."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # unbuffered answers cost 40 ms each (delayed acknowledgement)
    timeout = PATIENCE

    def log_message(self, format: str, *args: Any) -> None: ...

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def finish(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # what was left to be said cannot be
            super().finish()

    def length(self) -> int | None:
        """Of the body that was announced; None where it is not told."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None

    def drain(self, left: int) -> None:
        """Reads what is left of a body and forgets it: a client that is still speaking would hear a reset, and not the answer."""
        left = min(left, DRAINED)
        while left > 0:
            piece = len(self.rfile.read(min(left, PIECE)))
            if not piece:
                return
            left -= piece
