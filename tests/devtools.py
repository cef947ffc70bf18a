"""One Chromium that stays open, spoken to over two pipes (the DevTools protocol): many pages are looked at without starting it again.

Unlike a window, a tab can be as narrow as a phone and dark as its owner likes it, and it tells what it asked of the network."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .browser import CHROMIUM

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
PATIENCE = 120.0  # seconds without a word
OWN = ("file:", "data:", "blob:", "about:", "http://127.0.0.1")  # where a page may look for something
QUIET = ("WebGL", "GPU stall", "GL Driver Message")  # said by a machine without a graphics card


class Browser:
    """The process and its two pipes; messages are JSON that end with a zero byte."""

    def __init__(self, place: Path) -> None:
        if CHROMIUM is None:
            pytest.skip("needs Chromium (`apt-get install chromium`)")
        heard, self.say = os.pipe()
        self.hear, said = os.pipe()

        def third_and_fourth() -> None:
            """Where Chromium looks for its pipes."""
            os.dup2(heard, 3)
            os.dup2(said, 4)

        words = [CHROMIUM, *FLAGS, f"--user-data-dir={place}", "about:blank"]
        self.process = subprocess.Popen(
            words, pass_fds=(3, 4), preexec_fn=third_and_fourth, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(heard)
        os.close(said)
        self.rest, self.number = b"", 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
        """The result of one command; events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": given, **({"sessionId": session} if session else {})}
        os.write(self.say, json.dumps(message).encode() + b"\0")
        while True:
            told = self.next()
            if told.get("id") != self.number:
                self.events.append(told)
                continue
            assert "error" not in told, (method, told["error"])
            return dict(told["result"])

    def next(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.hear], [], [], PATIENCE)
            more = os.read(self.hear, 1 << 20) if ready else b""
            assert more, f"Chromium says nothing (status {self.process.poll()})"
            self.rest += more
        told, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(told))

    def until(self, session: str, method: str) -> None:
        """Waits for an event of one tab."""
        is_it = lambda told: told.get("sessionId") == session and told.get("method") == method  # noqa: E731
        while not any(map(is_it, self.events)):
            self.events.append(self.next())

    def close(self) -> None:
        os.close(self.say)
        os.close(self.hear)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def tab(self, address: str, size: tuple[int, int], phone: bool, theme: str) -> Iterator[Tab]:
        """A page that has been loaded, as on a desk or in a hand, by day or by night; it is closed behind the block."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable", session)
        wide, high = size
        self.ask("Emulation.setDeviceMetricsOverride", session, width=wide, height=high, deviceScaleFactor=1, mobile=phone)
        self.ask("Emulation.setTouchEmulationEnabled", session, enabled=phone)
        shade = [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.ask("Emulation.setEmulatedMedia", session, features=shade)
        self.ask("Page.navigate", session, url=address)
        self.until(session, "Page.loadEventFired")
        try:
            yield Tab(self, session)
        finally:
            self.ask("Target.closeTarget", targetId=target)


@dataclass
class Tab:
    """One page that is open."""

    browser: Browser
    session: str
    told: list[dict[str, Any]] = field(default_factory=list)

    def run(self, script: str) -> Any:
        """What an asynchronous function with this body gives, as JSON."""
        found = self.browser.ask(
            "Runtime.evaluate", self.session, expression=f"(async () => {{ {script} }})()", awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"].get("exception", found)
        return found["result"].get("value")

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.browser.ask("Page.captureScreenshot", self.session, format="png")["data"])

    def troubles(self, refused: bool = False) -> list[str]:
        """Errors and warnings that the page gave, and what it asked for elsewhere; `refused`: its server may say no."""
        self.run("")  # whatever was said before this is there now
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, told = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(str(told["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                found.append(str([one.get("value", one.get("description")) for one in told["args"]]))
            elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                found.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            elif method == "Network.requestWillBeSent" and not told["request"]["url"].startswith(OWN):
                found.append(f"asks for {told['request']['url']}")
        quiet = (*QUIET, "Failed to load resource: the server responded") if refused else QUIET
        return [one for one in found if not any(word in one for word in quiet)]

    def choose(self, selector: str, file: Path) -> None:
        """Gives a file to an input, as somebody who chose it."""
        found = self.browser.ask("Runtime.evaluate", self.session, expression=f"document.querySelector({json.dumps(selector)})")
        self.browser.ask("DOM.setFileInputFiles", self.session, files=[str(file)], objectId=found["result"]["objectId"])
