"""A Hugging Face hub on this machine into which files can be put: repositories, LFS by SHA-256, commits; it refuses and dies on demand.

The routes are those that huggingface_hub 2.4 calls (`create_repo`, `repo_info`, `preupload_lfs_files`, `create_commit`)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = 10_000  # bytes from which on a file is kept by LFS


@dataclass
class Hub:
    repos: dict[str, dict[str, Any]] = field(default_factory=dict)  # name -> private, files
    lfs: dict[str, bytes] = field(default_factory=dict)  # sha256 -> content
    puts: int = 0
    dies_after: int | None = None  # so many uploads, then every one fails
    rights: bool = True
    url: str = ""


@contextlib.contextmanager
def hub_server() -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None: ...

        def answer(self, status: int, value: Any = None, **headers: str) -> None:
            body = json.dumps(value or {}).encode()
            self.send_response(status)
            for key, each in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(key.replace("_", "-"), each)
            self.end_headers()
            self.wfile.write(body)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_GET(self) -> None:
            name = self.path.split("?")[0].removeprefix("/api/models/").partition("/revision/")[0]
            if name not in state.repos:
                self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            else:
                self.answer(200, {"id": name, "private": state.repos[name]["private"], "sha": "c" * 40, "siblings": []})

        def do_PUT(self) -> None:
            data = self.body()
            if state.dies_after is not None and state.puts >= state.dies_after:
                self.answer(400, {"error": "the disk is full"})
                return
            state.puts += 1
            state.lfs[hashlib.sha256(data).hexdigest()] = data
            self.answer(200)

        def do_POST(self) -> None:
            path, data = self.path.split("?")[0], self.body()
            if not state.rights:
                self.answer(403, {"error": "no right"})
            elif path == "/api/repos/create":
                asked = json.loads(data)
                name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
                private = asked.get("private", asked.get("visibility") == "private")
                state.repos[name] = {"private": private, "files": {}}
                self.answer(200, {"url": f"{state.url}/{name}", "id": name, "name": name})
            elif path == "/api/validate-yaml":
                self.answer(200, {"errors": [], "warnings": []})
            elif "/preupload/" in path:
                files = json.loads(data)["files"]
                modes = [
                    {"path": f["path"], "uploadMode": "lfs" if f["size"] >= LARGE else "regular", "shouldIgnore": False}
                    for f in files
                ]
                self.answer(200, {"files": modes})
            elif path.endswith("/info/lfs/objects/batch"):
                objects = []
                for one in json.loads(data)["objects"]:
                    new = one["oid"] not in state.lfs
                    objects.append({**one, **({"actions": {"upload": {"href": f"{state.url}/put/{one['oid']}"}}} if new else {})})
                self.answer(200, {"transfer": "basic", "objects": objects})
            elif "/commit/" in path:
                name = path.removeprefix("/api/models/").partition("/commit/")[0]
                for line in data.decode().splitlines():
                    entry = json.loads(line)
                    if entry["key"] == "file":
                        state.repos[name]["files"][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                    elif entry["key"] == "lfsFile":
                        state.repos[name]["files"][entry["value"]["path"]] = state.lfs[entry["value"]["oid"]]
                self.answer(
                    200,
                    {
                        "success": True,
                        "commitOid": "d" * 40,
                        "commitUrl": f"{state.url}/{name}/commit/{'d' * 40}",
                        "hookOutput": "",
                    },
                )
            else:
                self.answer(404)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
