"""How a page over 100,000 samples of two drawn runs is made, opens, scrolls, searches, filters, and turns a cloud of 200,000 points.

    python benchmarks/view.py --samples 100000 --pictures 300
    python benchmarks/view.py --page FOLDER     # a page that is there already

A headless Chromium opens the page from the disk. Milliseconds of a frame are those of the processor on the page's own thread (script,
style, layout, paint), so that neighbours and the painting of pixels, which a graphics card would do, stand apart; three numbers with strokes
between them are median, 95th percentile and longest. A frame's interval is the clock's, and all of that is in it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from devtools import KINDS, Browser, frames_of, longest_of, spread

OPENING = """
window.seen = {};
const painted = (name) => requestAnimationFrame(() => setTimeout(() => { seen[name] = performance.now(); }, 0));
const rows = new MutationObserver(() => { if (document.querySelector(".row")) { rows.disconnect(); painted("rows"); } });
rows.observe(document, { childList: true, subtree: true });
const all = () => (typeof lammView !== "undefined" && lammView.loaded ? painted("every") : setTimeout(all, 5));
all();
"""
TOOLS = """
window.frames_ = [];
window.until = (what, most = 60000) => new Promise((done, fail) => {
  const begun = performance.now(), look = () => (what() ? done(performance.now() - begun) : performance.now() - begun > most ? fail(new Error("never: " + what)) : requestAnimationFrame(look));
  look();
});
window.watch = () => { const own = (window.watched = {}); window.frames_ = []; const step = (now) => { if (watched !== own) return; performance.mark("frame"); frames_.push(now); requestAnimationFrame(step); }; requestAnimationFrame(step); };
window.ended = () => { window.watched = null; performance.clearMarks(); return frames_.slice(1).map((now, at) => now - frames_[at]); };
window.frames = async (count) => { for (let n = 0; n < count; n++) await new Promise(requestAnimationFrame); };
window.settled = () => lammView.filtered === filterKey() && byId("count");
"""


class Page:
    """An opened page, and what is measured on it; each gives a line or more."""

    def __init__(self, browser: Browser, folder: Path, samples: int) -> None:
        self.browser, self.url, self.samples = browser, (folder / "index.html").absolute().as_uri(), samples

    def opening(self, times: int) -> list[str]:
        found: list[dict[str, float]] = []
        for _ in range(times):
            self.browser.open(f"{self.url}#samples", OPENING)
            found.append(
                self.browser.ask(
                    "new Promise((go) => { const look = () => (seen.rows && seen.every ? go(seen) : setTimeout(look, 20)); look(); })"
                )
            )
            found[-1] |= self.browser.spent()
        self.browser.ask(TOOLS)
        lines = [
            f"open until the first rows are painted: {spread([one['rows'] / 1000 for one in found], 's')}",
            f"open until all {self.samples:,} are there: {spread([one['every'] / 1000 for one in found], 's')}; of the processor on this thread {spread([one['thread'] for one in found], 's')}",
        ]
        return [
            *lines,
            f"JavaScript held: {self.browser.heap():.0f} MB, elements {self.browser.ask('document.querySelectorAll(`*`).length')}",
        ]

    def watched(self, name: str, what: Any) -> list[str]:
        """Frames while something goes on."""
        before = self.browser.spent()
        self.browser.trace()
        self.browser.ask("watch()")
        what()
        intervals, after = self.browser.ask("ended()"), self.browser.spent()
        frames = frames_of(self.browser.traced())
        rest = (after["all"] - before["all"] - after["thread"] + before["thread"]) * 1000 / len(frames.cost)
        return [
            f"{name}: {len(frames.cost)} frames, every {spread(intervals)}",
            f"  script {frames.told('script')}; with style, layout and paint {frames.told(*KINDS)}",
            f"  style {frames.told('style')}; layout {frames.told('layout')}; paint {frames.told('paint')}; all of Chromium beside this thread: {rest:.0f} ms a frame",
        ]

    def scrolling(self) -> list[str]:
        def wheel() -> None:
            given = {"x": 200, "y": 500, "gestureSourceType": "mouse", "speed": 3000, "yDistance": -9000, "preventFling": True}
            self.browser.call("Input.synthesizeScrollGesture", **given)

        def step(by: int) -> None:
            self.browser.ask(
                f"new Promise((go) => {{ let n = 0; const list = byId('list'); const step = () => {{ list.scrollTop += {by}; if (++n < 120) requestAnimationFrame(step); else go(); }}; step(); }})"
            )

        self.browser.ask("byId('list').scrollTop = 0")
        return [
            *self.watched("scroll 3,000 pixels a second", wheel),
            *self.watched("scroll 50 pixels each frame", lambda: step(50)),
            *self.watched("scroll to other rows each frame", lambda: step(5000)),
        ]

    def typing(self, word: str) -> list[str]:
        """From a key to the first frame whose list is the one that was asked for; the longest time that nothing else could be done."""
        found: list[float] = []
        self.browser.ask("byId('search').focus()")
        self.browser.trace()
        self.browser.ask("watch()")
        for letter in word:
            self.browser.ask(
                "window.typed = new Promise((go) => addEventListener('input', (event) => until(() => state.q === byId('search').value && settled()).then(() => go(performance.now() - event.timeStamp)), { once: true, capture: true })); 0"
            )
            self.browser.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self.browser.call("Input.dispatchKeyEvent", type="keyUp", key=letter)
            found.append(self.browser.ask("typed"))
        self.browser.ask("ended()")
        longest = longest_of(self.browser.traced())
        left = self.browser.ask("lammView.list.numbers.length")
        self.browser.ask("byId('search').blur(); location.hash = '#samples'; until(() => !state.q && settled())")
        return [
            f"a letter of `{word}` until the list is filtered ({left:,} left): {spread(found)}; longest stroke of script {longest:.0f} ms"
        ]

    def choosing(self, key: str, value: str) -> str:
        found = []
        for _ in range(3):
            for chosen in (value, ""):
                found.append(
                    self.browser.ask(
                        f"(async () => {{ const begun = performance.now(), box = byId('by-{key}'); box.value = {chosen!r}; box.dispatchEvent(new Event('change')); await until(() => state[{key!r}] === {chosen!r} && settled()); return performance.now() - begun; }})()"
                    )
                )
        return f"{key} `{value}` or none, until the list shows it: {spread(found)}"

    def samples_opened(self) -> list[str]:
        found = self.browser.ask(
            "(async () => { const found = []; for (let n = 0; n < 20; n++) { byId('list').scrollTop = 76 * Math.floor((n / 20) * lammView.list.numbers.length); await frames(3); const begun = performance.now(), row = [...document.querySelectorAll('.row')].find((one) => !linkName(Number(one.dataset.number)).startsWith('scannet')); row.click(); const name = linkName(Number(row.dataset.number)); await until(() => state.open === name && document.querySelectorAll('.side').length === 2 && [...document.querySelectorAll('#detail .frame img')].some((one) => one.complete)); found.push(performance.now() - begun); } return found; })()"
        )
        walked = self.browser.ask(
            "(async () => { const found = []; go({ open: linkName(lammView.list.numbers[0]) }, true); await frames(2); for (let n = 0; n < 20; n++) { const begun = performance.now(), before = state.open; document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true })); await until(() => state.open !== before && document.querySelectorAll('.side').length === 2); found.push(performance.now() - begun); } return found; })()"
        )
        return [f"open a sample far away: {spread(found)}", f"`j` to the next one: {spread(walked)}"]

    def orbiting(self) -> list[str]:
        taken = self.browser.ask("(location.hash = '#samples&open=scannet%2Froom-0', until(() => lammView.turning))")
        box = self.browser.ask(
            "(({ left, top }) => ({ x: left + 200, y: top + 150 }))(document.querySelector('canvas.cloud').getBoundingClientRect())"
        )

        def drag() -> None:
            self.browser.call("Input.dispatchMouseEvent", type="mousePressed", button="left", buttons=1, **box)
            for step in range(120):
                self.browser.call(
                    "Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, x=box["x"] + step, y=box["y"]
                )
            self.browser.call("Input.dispatchMouseEvent", type="mouseReleased", button="left", **box)

        points = self.browser.ask("lammView.turning.cloud.points")
        drawn = self.browser.ask("document.querySelector('.stage').dataset.drawn")
        return [f"open a cloud of {points:,} points by {drawn}: {taken:.0f} ms", *self.watched("turn it by dragging", drag)]


def made(place: Path, samples: int, pictures: int) -> tuple[Path, list[str]]:
    """Two runs and the page over them, and what the page took."""
    from view_drawn import ASKED, MODELS, draw

    draw(place / "data", samples, pictures)
    plugin, folders = str(Path(__file__).with_name("view_drawn.py")), [str(place / name) for name in MODELS]
    for name, folder in zip(MODELS, folders):
        words = [
            "--plugin",
            plugin,
            "--model",
            name,
            "--tasks",
            ASKED,
            "--data-root",
            str(place / "data"),
            "--output",
            folder,
            "--quiet",
        ]
        ran(["run", *words])
    begun = time.monotonic()
    used, peak = ran(["view", *folders, "--data-root", str(place / "data"), "--output", str(place / "page")])
    seconds = time.monotonic() - begun
    size = sum(path.stat().st_size for path in (place / "page").rglob("*") if path.is_file()) / 1e6
    rows = sum(path.stat().st_size for path in (place / "page/data").glob("rows-*")) / 1e6
    told = f"make the page, {pictures:,} pictures: {seconds:.0f} s, {used:.0f} s of the processor, {peak:.0f} MB at most; {size:.0f} MB, rows {rows:.1f} MB"
    return place / "page", [told]


def ran(words: list[str]) -> tuple[float, float]:
    """Seconds of the processor and megabytes that a command took."""
    process = subprocess.Popen([sys.executable, "-m", "lamm_bench", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"lamm-bench {words[0]} ended with status {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--pictures", type=int, default=300, help="that the questions are about")
    parser.add_argument("--page", type=Path, help="a page of such runs that is there already")
    parser.add_argument("--times", type=int, default=3, help="that it is opened")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamm-bench-view-") as place:
        folder, lines = (asked.page, []) if asked.page else made(Path(place), asked.samples, asked.pictures)
        say(lines)
        with Browser() as browser:
            page = Page(browser, folder, asked.samples)
            say(page.opening(asked.times))
            say(page.scrolling())
            for word in ("clearly", "zebra"):
                say(page.typing(word))
            say([page.choosing("status", "unread"), page.choosing("sort", "worst"), page.choosing("tone", "wrong")])
            say(page.samples_opened())
            say(page.orbiting())


def say(lines: list[str]) -> None:
    for line in lines:
        print(f"{line}   (load {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    main()
