"""The page over runs that grow: what was said since is taken in, half a line waits, and who looks on loses neither place nor filter."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.data.locate import miniature
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.show.view.live import Live
from lamm_bench.show.view.page import page_text
from lamm_bench.show.view.pictures import Pictures
from lamm_bench.show.view.server import answer_of, watch

from .browser import WALK, Told, chromium
from .commands import done, hear_ctrl_c, refusal
from .test_view import data_of

TASKS = ("cifar10", "voc2012")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Two runs about the same ten samples of two tasks."""
    folder = tmp_path_factory.mktemp("finished")
    for model in ("oracle", "chance"):
        done("run", "--model", model, "--tasks", ",".join(TASKS), "--limit", 10, "--output", folder / model)
    return folder


class Replay:
    """A finished run that is written once more, line by line, as by a process that asks."""

    def __init__(self, source: Path, place: Path) -> None:
        self.source, self.place = source, place
        (place / "records").mkdir(parents=True)
        shutil.copy(source / "manifest.json", place)
        self.left = {task: (source / f"records/{task}.jsonl").read_bytes().splitlines(keepends=True) for task in TASKS}

    def say(self, task: str, lines: int, more: int = 0) -> None:
        """So many lines, and `more` bytes of the next one."""
        said, self.left[task] = self.left[task][:lines], self.left[task][lines:]
        if more:
            said, self.left[task][0] = [*said, self.left[task][0][:more]], self.left[task][0][more:]
        with (self.place / f"records/{task}.jsonl").open("ab") as file:
            file.write(b"".join(said))

    def end(self) -> None:
        for task in TASKS:
            self.say(task, len(self.left[task]))
        shutil.copytree(self.source / "scores", self.place / "scores")
        shutil.copy(self.source / "result.json", self.place / "result.json")  # a new time: it is written last


@pytest.fixture
def two(finished, tmp_path) -> Iterator[tuple[Replay, Replay, Live]]:
    a, b = (Replay(finished / name, tmp_path / name) for name in ("oracle", "chance"))
    catalog, root = load_catalog(()), miniature()
    yield a, b, Live([a.place, b.place], [root, root], ["a", "b"], catalog, Pictures(tmp_path / "made", 320))


def looked(live: Live) -> Live:
    while live.look(rest=0):
        pass
    assert not live.trouble, live.trouble
    return live


def answered(live: Live, place: int) -> int:
    return sum(bool(row[f"status{place}"]) for row in live.rows)


def test_a_ledger_is_read_on_and_half_a_line_waits(finished, tmp_path):
    source = finished / "chance"
    lines = (source / "records/cifar10.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "cifar10.jsonl"
    ledger = Ledger(path, f"{Run.read(source).seal}/cifar10", True)
    assert not ledger.catch_up()
    path.write_bytes(lines[0] + lines[1][:30])
    assert ledger.catch_up() and len(ledger.ended) == 1 and not ledger.catch_up()
    with path.open("ab") as file:
        file.write(lines[1][30:])
    assert ledger.catch_up() and len(ledger.ended) == 2 and not ledger.damaged
    path.unlink()
    path.write_bytes(lines[5])  # another file under the same name: a run begun anew
    assert ledger.catch_up() and len(ledger.ended) == 1 and not ledger.damaged
    path.unlink()
    assert ledger.catch_up() and not ledger.ended


def test_a_run_that_grows_is_followed_and_ends_as_the_finished_one(two, finished, tmp_path):
    a, b, live = two
    a.say("cifar10", 3, more=25)
    looked(live)
    assert len(live.rows) == 20 and (answered(live, 0), answered(live, 1)) == (3, 0)
    before = live.meta()
    assert (
        [run["said"] for run in before["runs"]] == [3, 0]
        and before["runs"][0]["asked"] == 20
        and not before["runs"][0]["finished"]
    )
    assert before["tasks"][0]["results"][0][0]["counts"]["expected"] == 3 and before["tasks"][1]["results"] == [[], []]
    revision = live.revision
    assert live.since(live.epoch, revision) == {"epoch": 0, "revision": revision}
    b.say("cifar10", 1)
    looked(live)
    news = live.since(live.epoch, revision)
    assert len(news["numbers"]) == 1 and news["rows"][0]["status1"] and news["revision"] > revision
    a.end()
    b.end()
    looked(live)
    meta = live.meta()
    assert all(run["finished"] for run in meta["runs"]) and set(meta["differences"][0]["tasks"]) == set(TASKS)
    done("view", a.place, b.place, "--output", tmp_path / "page", "--pictures", 0)
    still = data_of(tmp_path / "page/data/rows-0.js")
    for column, values in live.block(0).items():
        assert column == "file" or values == still[column], column
    shown = data_of(tmp_path / "page/data/more-0.js")
    for one, other in zip([one for number in range(20) for one in live.details(number)], shown):
        assert {**one, "media": []} == {**json.loads(json.dumps(other)), "media": []}
    assert meta["tasks"] == data_of(tmp_path / "page/data/meta.js")["tasks"]


def test_a_run_that_goes_on_after_it_was_finished_is_live_again(two, finished):
    a, b, live = two
    a.end()
    b.end()
    looked(live)
    os.utime(a.place / "result.json", ns=(1, 1))
    assert not looked(live).meta()["runs"][0]["finished"] and answered(live, 0) == 20


def test_a_folder_that_goes_away_is_told_and_its_coming_back_too(two, tmp_path):
    a, _, live = two
    a.say("cifar10", 2)
    looked(live)
    a.place.rename(tmp_path / "away")
    assert not live.look() and "is no run folder" in live.trouble and answered(live, 0) == 2
    (tmp_path / "away").rename(a.place)
    looked(live)
    manifest = json.loads((a.place / "manifest.json").read_text())
    manifest["identity"]["limit"] = 9  # another run in the same folder: the page begins anew
    (a.place / "manifest.json").write_text(json.dumps(manifest))
    live.look()
    assert live.epoch == 1 and live.since(0, 5) == {"epoch": 1}


def test_nothing_but_the_page_and_its_data_has_an_address(two):
    a, _, live = two
    a.say("cifar10", 2)
    looked(live)
    file = live.rows[0]["file"]
    assert isinstance(answer_of(live, "t", f"/{file}"), Path) and answer_of(live, "t", f"/{file}.js") is None
    assert answer_of(live, "t", "/page/main.js") and answer_of(live, "t", "/data/more-0.js")
    for path in (
        "/page/../live.py",
        "/page/live.py",
        "/media/00/" + "0" * 20,
        "/media/../x",
        "/data/rows-1.js",
        "/data/rows--1.js",
        "//",
        "",
    ):
        assert answer_of(live, "t", path) is None, path


def test_other_sites_get_nothing_of_it(two):
    a, b, live = two

    def call(served: Any, method: str = "GET", path: str = "/data/meta.js", **headers: str) -> tuple[int, Any]:
        link = http.client.HTTPConnection("127.0.0.1", int(served.url.rsplit(":", 1)[1].strip("/")), timeout=30)
        link.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        return answer.status, answer

    with watch([a.place, b.place], live.roots, live.catalog, 320, pause=None) as served:
        status, answer = call(served)
        assert status == 200 and answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert call(served, sec_fetch_site="cross-site")[0] == 403 and call(served, sec_fetch_site="same-origin")[0] == 200
        assert call(served, host="evil.example:80")[0] == 403 and call(served, host="localhost:8002")[0] == 200
        assert call(served, path="/%2e%2e/etc/passwd")[0] == 404 and call(served, "POST")[0] == 501


def test_a_served_page_writes_nothing_and_a_written_one_serves_nothing(finished, tmp_path):
    assert "does not go with --serve" in refusal("view", finished / "oracle", "--serve", "--output", tmp_path / "x")
    assert "needs --serve" in refusal("view", finished / "oracle", "--port", 1)
    assert "is no run folder" in refusal("view", tmp_path, "--serve", "--port", 0) and not list(tmp_path.iterdir())


def test_ctrl_c_ends_it_cleanly(finished):
    words = [
        sys.executable,
        "-m",
        "lamm_bench",
        "view",
        str(finished / "oracle"),
        "--serve",
        "--port",
        "0",
        "--data-root",
        str(miniature()),
    ]
    serving = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)
    assert serving.stderr is not None
    try:
        said = next(line for line in serving.stderr if "Ctrl-C" in line)
        assert "http://127.0.0.1:" in said
        serving.send_signal(signal.SIGINT)
        assert "Traceback" not in serving.stderr.read() and serving.wait(60) == 0
    finally:
        serving.kill()


def test_who_looks_on_keeps_place_filter_and_what_is_open(two, monkeypatch):
    """In a real browser: each `/grow` lets the runs say more; the page must take it in by itself."""
    a, b, live = two
    a.say("cifar10", 8)
    b.say("cifar10", 6)
    steps = """
        await until(() => text("#live") && / of 8 samples so far, 20 in all/.test(text("#count") || "") && all(".row").length > 1, 2000); told.first = text("#count");
        const input = byId("search"); input.focus(); input.value = "a"; input.setSelectionRange(1, 1);
        const grow = () => new Promise((go) => { const one = document.createElement("script"); one.src = "/grow.js?" + Math.random(); one.onload = go; document.head.append(one); });
        all(".row")[0].click(); await until(() => all(".side").length === 2 && document.querySelector("#detail .frame"));
        document.querySelector("details.prompt").open = true; const opened = state.open, link = location.hash, list = byId("list");
        list.style.flex = "none"; list.style.height = "90px"; list.scrollTop = 60; const top = all(".row").find((row) => row.style.top === "0px").dataset.number;
        told.before = text(".walk small"); await grow(); await until(() => / of 10 samples so far, 20 in all/.test(text("#count")), 2000);
        told.after = text(".walk small"); told.same = [state.open === opened, location.hash === link, input === byId("search"), input.value, document.activeElement === input, document.querySelector("details.prompt").open, byId("list") === list, list.scrollTop > 0];
        told.seen = all(".row").some((row) => row.dataset.number === top);
        await visit("#overview", () => document.querySelector(".coming")); told.coming = all(".come").length; told.waiting = text("#page").includes("not asked yet");
        await grow(); await until(() => !document.querySelector(".coming") && text("#live") === "finished", 2000);
        told.tiles = all(".tile").length; told.difference = text("table.scores").includes("–") ; told.lost = lammView.lost;
    """
    grown = []

    def grow(live_: Live) -> bytes:
        """The page's clock stands while it waits for an answer, so that no machine is too slow for it."""
        grown.append(1)
        for run in (a, b):
            run.say("cifar10", len(run.left["cifar10"])) if len(grown) == 1 else run.end()
        looked(live_)
        return b"1;"

    def more(live_: Live, title: str, path: str) -> Any:
        if path == "/walk.html":
            page = page_text(title).replace("</body>", '<script src="/walk.js"></script></body>')
            return "text/html; charset=utf-8", page.encode()
        if path == "/walk.js":
            return "text/javascript; charset=utf-8", WALK.replace("STEPS", steps).encode()
        if path == "/grow.js":
            return "text/javascript; charset=utf-8", grow(live_)
        return answer_of(live_, title, path)

    monkeypatch.setattr("lamm_bench.show.view.server.answer_of", more)
    with watch([a.place, b.place], live.roots, live.catalog, 320, pause=None) as served:
        looked(served.live)
        said = chromium("--window-size=1300,900", "--dump-dom", f"{served.url}walk.html#samples&pair=differ")
    told = json.loads(Told(said).text)
    assert "failed" not in told and not told["errors"], told
    assert told["same"] == [True, True, True, "a", True, True, True, True] and told["seen"] and told["before"] != told["after"]
    assert told["coming"] == 2 and told["waiting"] and told["tiles"] == 4
