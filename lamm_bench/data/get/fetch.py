"""One file from a server: goes on where it stopped (Range), and is there under its name only when it is whole and the right one.

Servers cut, stall, ignore Range and send other bytes; `huggingface_hub` 2.4 neither resumes after a kill nor compares contents
(next-steps, E). What has come so far lies in `NAME.part`, its ETag beside it, so that a file that changed meanwhile begins anew."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json, sync_folder, write_json
from lamm_bench.keep.secrets import redacted

BLOCK = 1 << 20
TRIES = 5  # attempts in a row that bring nothing new
LIES = 2  # whole files with other contents than announced, after which it is not tried again
LONGEST_WAIT = 60.0  # seconds


@dataclass(frozen=True)
class Want:
    """What is known of a file before it is fetched; None: not known."""

    size: int | None = None
    sha256: str | None = None
    git: str | None = None  # SHA-1 of a git blob: of small files on the hub


@dataclass
class Fetcher:
    """How files are fetched; `sleep` and `timeout` are the doors to time."""

    headers: Mapping[str, str] = field(default_factory=dict)  # for the server's own host alone
    timeout: float = 30.0  # seconds without a byte after which a connection is given up
    sleep: Callable[[float], None] = time.sleep
    tick: Callable[[int], None] = lambda count: None

    def fetch(self, url: str, out: Path, want: Want) -> None:
        """The file under `url` at `out`. Raises `BenchError` with what the server did; what has come stays for the next time."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise BenchError(f"{url} is no http or https address")
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f"{out.name}.part")
        fruitless = lies = 0
        why = ""
        while True:
            before = size_of(part)
            done, why, wait = self.attempt(url, part, want)
            if done:
                fault = fault_of(part, want)
                if fault is None:
                    finish(part, out)
                    return
                forget(part)
                lies += 1
                if lies >= LIES:
                    raise BenchError(f"{redacted(url)} {fault}, twice; the file there is another one, or damaged")
                continue
            fruitless = 0 if size_of(part) > before else fruitless + 1
            if fruitless >= TRIES:
                raise BenchError(
                    f"{redacted(url)}: {why}; {size_of(part):,} bytes have come and are kept, run the same command again to go on"
                )
            self.sleep(min(LONGEST_WAIT, wait if wait is not None else 0.5 * 2**fruitless))

    def attempt(self, url: str, part: Path, want: Want) -> tuple[bool, str, float | None]:
        """One connection: whether all has come, why not, and how long the server asks to wait."""
        have, tag = size_of(part), tag_of(part)
        if want.size is not None and have > want.size:
            forget(part)
            have = 0
        if have and have == want.size:
            return True, "", None
        asked = (
            {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})} if have and (tag or want.sha256 or want.git) else {}
        )
        try:
            with opened(url, {**self.headers, **asked}, self.timeout) as answer:
                return self.take(answer, part, want, have if asked else 0)
        except urllib.error.HTTPError as error:
            return self.refused(url, error, part)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return False, f"the connection was lost ({type(error).__name__}: {error})", None

    def take(self, answer: Any, part: Path, want: Want, have: int) -> tuple[bool, str, float | None]:
        """Writes what comes; a server that ignores Range, or answers with another part, is written from the beginning."""
        start = begins_at(answer) if answer.status == 206 else 0
        if start != have and start != 0:
            forget(part)
            return False, f"the server sent bytes from {start:,}, and {have:,} were asked for", None
        tag = answer.headers.get("ETag", "")
        keep_tag(part, tag if not tag.startswith("W/") else "")
        announced = answer.headers.get("Content-Length")
        total = start + int(announced) if announced and announced.isdecimal() else want.size
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            while block := answer.read1(BLOCK):  # what has come by now: a stall costs none of it
                file.write(block)
                self.tick(len(block))
                if want.size is not None and file.tell() > want.size:
                    break
            file.flush()
            os.fsync(file.fileno())
            come = file.tell()
        if total is not None and come < total:
            return False, f"the connection ended after {come:,} of {total:,} bytes", None
        return True, "", None

    def refused(self, url: str, error: urllib.error.HTTPError, part: Path) -> tuple[bool, str, float | None]:
        """What another status means. Raises `BenchError` where trying again is of no use."""
        with contextlib.suppress(OSError):
            error.close()
        if error.code == 416:  # nothing behind what is there: it is whole, or of another file
            forget(part)
            return False, "the server has nothing behind what has come", 0.0
        if error.code in (401, 403):
            raise BenchError(
                f"{redacted(url)} may not be read (HTTP {error.code}): accept the terms there, and set HF_TOKEN to a token that may"
            )
        if error.code in (404, 410):
            raise BenchError(f"{redacted(url)} is not there (HTTP {error.code})")
        if error.code not in (408, 425, 429) and error.code < 500:
            raise BenchError(f"{redacted(url)} was refused (HTTP {error.code})")
        wait = error.headers.get("Retry-After", "")
        return False, f"the server says HTTP {error.code}", float(wait) if wait.isdecimal() else None


class Guarded(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https alone, and tells no secret to another host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise urllib.error.URLError(f"redirected to {newurl.split(':')[0]}:")
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            for name in [one for one in new.headers if one.casefold() in ("authorization", "cookie")]:
                new.remove_header(name)
        return new


def opened(url: str, headers: Mapping[str, str], timeout: float) -> Any:
    """A response; proxies are those of the environment."""
    request = urllib.request.Request(url, headers={"User-Agent": "lamm-bench", "Accept-Encoding": "identity", **headers})
    return urllib.request.build_opener(Guarded).open(request, timeout=timeout)


def begins_at(answer: Any) -> int:
    """Where the bytes of a 206 begin; -1 where it does not say."""
    told = answer.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(told) if told.isdecimal() else -1


def size_of(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def tag_of(part: Path) -> str:
    """The ETag of what has come; empty where none is known."""
    try:
        found = read_json(tag_file(part))
    except BenchError:
        return ""
    return str(found.get("etag", "")) if isinstance(found, dict) else ""


def keep_tag(part: Path, tag: str) -> None:
    if tag:
        write_json(tag_file(part), {"etag": tag})
    else:
        tag_file(part).unlink(missing_ok=True)


def forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    tag_file(part).unlink(missing_ok=True)


def fault_of(file: Path, want: Want) -> str | None:
    """Why a file is not the one that was announced; None where it is, as far as that can be known."""
    if not file.is_file():
        return "is empty"
    size = file.stat().st_size
    if want.size is not None and size != want.size:
        return f"has {size:,} bytes, expected {want.size:,}"
    if want.sha256 is not None and (found := digest_of(file, hashlib.sha256())) != want.sha256:
        return f"has the SHA-256 {found[:12]}…, expected {want.sha256[:12]}…"
    if want.git is not None and (found := digest_of(file, hashlib.sha1(f"blob {size}\0".encode()))) != want.git:
        return f"has the git hash {found[:12]}…, expected {want.git[:12]}…"
    return None


def digest_of(file: Path, hashed: Any) -> str:
    with file.open("rb") as opened_file:
        while block := opened_file.read(BLOCK):
            hashed.update(block)
    return str(hashed.hexdigest())


def finish(part: Path, out: Path) -> None:
    """The whole file under its own name."""
    part.replace(out)
    tag_file(part).unlink(missing_ok=True)
    sync_folder(out.parent)
