"""A real Chromium without a network, as a test uses it: a page is opened from the disk, a script walks through it and tells what it saw."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
)
WALK = """
(async () => {
  const told = {}, errors = [];
  addEventListener("error", (event) => errors.push(String(event.message)));
  const until = async (what, rounds = 1800) => { for (let i = 0; i < rounds && !what(); i++) await new Promise((go) => setTimeout(go, 10)); if (!what()) throw new Error("never: " + what); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const text = (selector) => document.querySelector(selector)?.textContent ?? null;
  const visit = async (link, what) => { location.hash = link; await until(what); };
  const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  try { await (async () => { STEPS })(); } catch (error) { told.failed = String(error && error.stack); }
  told.errors = errors;
  const out = document.createElement("pre");
  out.id = "told";
  out.textContent = JSON.stringify(told);
  document.body.append(out);
})();
"""


class Told(HTMLParser):
    """The text of the element that a walk leaves behind."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside, self.text = False, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside |= ("id", "told") in attrs

    def handle_data(self, data: str) -> None:
        self.text += data if self.inside else ""


def ended(running: subprocess.Popen[str], seconds: int = 5, most: int = 120) -> tuple[str, str]:
    """What a browser has said when it ends, or when it has told a whole page and goes on: a file that is being saved keeps it."""
    for waited in range(0, most, seconds):
        try:
            return running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            whole = b"</html>" in (late.stdout or b"")
            if whole or waited + seconds >= most:
                running.kill()
                running.communicate()
                assert whole, late
                return (late.stdout or b"").decode(), (late.stderr or b"").decode()
    raise AssertionError("no second was waited")


def chromium(*words: str) -> str:
    """What Chromium prints; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (`apt-get install chromium`)")
    running = subprocess.Popen([CHROMIUM, *FLAGS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    told, complained = ended(running)
    assert running.returncode == 0 or "</html>" in told, complained[-2000:]
    refused = [line for line in complained.splitlines() if "CONSOLE" in line and "WebGL" not in line and "GPU stall" not in line]
    assert not refused, refused[:5]
    return told


def walk(folder: Path, steps: str, link: str = "", size: tuple[int, int] = (1300, 900)) -> dict[str, Any]:
    """Opens `folder`/index.html, runs `steps` in it and gives what they put into `told`. The folder's own page is not changed."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    (folder / "walk.js").write_text(WALK.replace("STEPS", steps), encoding="utf-8")
    (folder / "walk.html").write_text(page.replace("</body>", '<script src="walk.js"></script></body>'), encoding="utf-8")
    said = chromium(f"--window-size={size[0]},{size[1]}", "--dump-dom", f"{(folder / 'walk.html').as_uri()}{link}")
    told: dict[str, Any] = json.loads(Told(said).text)
    assert "failed" not in told and not told["errors"], told
    return told
