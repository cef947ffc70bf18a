"""A real Chromium, spoken to over a pipe in its own protocol (DevTools), and what its trace says each frame took. No library, no port."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from select import select
from types import TracebackType
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--remote-debugging-pipe",
)
CATEGORIES = ["devtools.timeline", "blink.user_timing"]
# Chromium reads commands from descriptor 3 and writes to 4
PIPED = """
import fcntl, os, sys
for own, place in zip([fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]], (3, 4)):
    os.dup2(own, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
SCRIPT = {"FunctionCall", "EvaluateScript", "v8.compile", "FireAnimationFrame", "EventDispatch", "TimerFire", "RunMicrotasks"}
STYLE, LAYOUT = {"UpdateLayoutTree", "ScheduleStyleRecalculation"}, {"Layout"}
PAINT = {
    "PrePaint",
    "Paint",
    "Layerize",
    "Commit",
    "UpdateLayer",
    "HitTest",
    "IntersectionObserverController::computeIntersections",
}
KINDS = ("script", "style", "layout", "paint")


class Browser:
    """One window that is opened once and asked in turn. Raises `SystemExit` where there is no Chromium, or it falls silent."""

    def __init__(self, width: int = 1300, height: int = 900, patience: float = 120.0) -> None:
        if CHROMIUM is None:
            raise SystemExit("needs Chromium (`apt-get install chromium`)")
        self.number, self.patience, self.buffer = 0, patience, b""
        self.events: list[dict[str, Any]] = []
        self.profile = tempfile.TemporaryDirectory(prefix="lamm-bench-browser-", ignore_cleanup_errors=True)
        (inner_in, self.out), (self.heard, inner_out) = os.pipe(), os.pipe()
        words = [CHROMIUM, *FLAGS, f"--window-size={width},{height}", f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PIPED, str(inner_in), str(inner_out), *words],
            pass_fds=(inner_in, inner_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(inner_in)
        os.close(inner_out)
        self.session = ""
        page = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Performance.enable", timeDomain="threadTicks")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()
        os.close(self.out)
        os.close(self.heard)
        self.profile.cleanup()

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """One command and its answer; events that come meanwhile are kept."""
        self.number += 1
        told = {"id": self.number, "method": method, "params": given}
        if self.session and not method.startswith(("Target.", "SystemInfo.")):
            told["sessionId"] = self.session
        data = json.dumps(told).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data) :]
        while True:
            said = self.next()
            if said.get("id") == self.number:
                if "error" in said:
                    raise SystemExit(f"{method}: {said['error']['message']}")
                return dict(said["result"])
            self.events.append(said)

    def next(self) -> dict[str, Any]:
        until = time.monotonic() + self.patience
        while b"\0" not in self.buffer:
            if not select([self.heard], [], [], max(0.0, until - time.monotonic()))[0]:
                raise SystemExit(f"Chromium has said nothing for {self.patience:.0f} seconds")
            more = os.read(self.heard, 1 << 20)
            if not more:
                raise SystemExit("Chromium has ended")
            self.buffer += more
        one, _, self.buffer = self.buffer.partition(b"\0")
        return dict(json.loads(one))

    def wait(self, method: str) -> dict[str, Any]:
        """The parameters of the next event of that name."""
        while True:
            for place, said in enumerate(self.events):
                if said.get("method") == method:
                    return dict(self.events.pop(place)["params"])
            self.events.append(self.next())

    def ask(self, script: str) -> Any:
        """What an expression gives, awaited. Raises `SystemExit` when it throws."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in told:
            raise SystemExit(f"the page: {told['exceptionDetails'].get('exception', {}).get('description', told)}")
        return told["result"].get("value")

    def open(self, url: str, first: str) -> None:
        """Another page, in which the script `first` runs before any other."""
        self.call("Page.navigate", url="about:blank")
        own = self.call("Page.addScriptToEvaluateOnNewDocument", source=first)["identifier"]
        self.call("Page.navigate", url=url)
        self.call("Page.removeScriptToEvaluateOnNewDocument", identifier=own)

    def heap(self) -> float:
        """Megabytes of JavaScript that are held once the rubbish is away."""
        self.call("HeapProfiler.collectGarbage")
        return float(self.call("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def spent(self) -> dict[str, float]:
        """Seconds of the processor: of the page's own thread, of its script, and of all Chromium."""
        told = {one["name"]: one["value"] for one in self.call("Performance.getMetrics")["metrics"]}
        every = self.call("SystemInfo.getProcessInfo")["processInfo"]
        return {"thread": told["TaskDuration"], "script": told["ScriptDuration"], "all": sum(one["cpuTime"] for one in every)}

    def trace(self) -> None:
        self.events = []
        self.call("Tracing.start", traceConfig={"includedCategories": CATEGORIES}, transferMode="ReportEvents")

    def traced(self) -> list[dict[str, Any]]:
        self.call("Tracing.end")
        self.wait("Tracing.tracingComplete")
        return [one for said in self.events if said.get("method") == "Tracing.dataCollected" for one in said["params"]["value"]]


@dataclass(frozen=True)
class Frames:
    """What the frames between two marks took on the page's own thread, each in milliseconds of the processor by kind."""

    cost: Sequence[dict[str, float]]

    def told(self, *kinds: str) -> str:
        return spread([sum(one[kind] for kind in kinds) for one in self.cost])


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """Median, 95th percentile and longest."""
    if not values:
        return "none"
    ordered = sorted(values)
    return f"{statistics.median(ordered):.1f} / {ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]:.1f} / {ordered[-1]:.1f} {unit}"


def frames_of(trace: Sequence[dict[str, Any]], mark: str = "frame") -> Frames:
    """The work of the page's own thread, cut at its marks (`performance.mark`): each event's own time, without that of those within it."""
    marks = sorted((one["ts"], one["pid"], one["tid"]) for one in trace if one["name"] == mark and one["ph"] in "IRin")
    if len(marks) < 2:
        raise SystemExit("the trace holds no frames")
    _, pid, tid = marks[0]
    own = sorted(
        (one for one in trace if one["ph"] == "X" and (one["pid"], one["tid"]) == (pid, tid)),
        key=lambda one: (one["ts"], -one["dur"]),
    )
    cost: list[dict[str, float]] = [defaultdict(float) for _ in marks[1:]]
    place = 0
    for one, spent in zip(own, alone(own)):
        while place < len(cost) and one["ts"] >= marks[place + 1][0]:
            place += 1
        kind = kind_of(one["name"])
        if kind and place < len(cost) and one["ts"] >= marks[0][0]:
            cost[place][kind] += spent / 1000
    return Frames(cost)


def longest_of(trace: Sequence[dict[str, Any]], mark: str = "frame") -> float:
    """Milliseconds of the processor that the longest stroke of script between two marks took: so long nothing else could be done."""
    marks = [one for one in trace if one["name"] == mark]
    first, last = min(one["ts"] for one in marks), max(one["ts"] for one in marks)
    own = {(one["pid"], one["tid"]) for one in marks}
    return max(
        used(one) / 1000
        for one in trace
        if one["ph"] == "X" and one["name"] in SCRIPT and (one["pid"], one["tid"]) in own and first <= one["ts"] <= last
    )


def alone(events: Sequence[dict[str, Any]]) -> list[float]:
    """Microseconds of the processor of each event of one thread, in order, without those of the events within it."""
    spent, open_ = [used(one) for one in events], list[int]()
    for place, one in enumerate(events):
        while open_ and events[open_[-1]]["ts"] + events[open_[-1]]["dur"] <= one["ts"]:
            open_.pop()
        if open_:
            spent[open_[-1]] -= used(one)
        open_.append(place)
    return spent


def used(event: dict[str, Any]) -> float:
    """Of the processor where the trace knows it: waiting for others is no work of the page."""
    return float(event.get("tdur", event["dur"]))


def kind_of(name: str) -> str:
    for kind, names in zip(KINDS, (SCRIPT, STYLE, LAYOUT, PAINT)):
        if name in names:
            return kind
    return ""
