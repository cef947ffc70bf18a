"""Clouds in the page, in a real browser: they are drawn with WebGL and without, and can be turned."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import walk
from .commands import done


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """The page over a run about a few rooms."""
    folder = tmp_path_factory.mktemp("clouds")
    done("run", "--model", "oracle", "--tasks", "scannet", "--limit", 3, "--output", folder / "oracle")
    done("view", folder / "oracle", "--output", folder / "page")
    return folder / "page"


def test_a_cloud_of_two_hundred_thousand_points_turns_also_where_webgl_is_missing(pages):
    seen = walk(
        pages,
        """
        await until(() => lammView.loaded);
        const points = 200000, bytes = new Uint8Array(points * 9), places = new Uint16Array(bytes.buffer, 0, points * 3);
        for (let at = 0, seed = 1; at < points * 3; at++) { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; places[at] = seed >>> 16; }
        bytes.fill(200, points * 6);
        let data = ""; for (let at = 0; at < bytes.length; at += 9000) data += String.fromCharCode(...bytes.subarray(at, at + 9000));
        const packed = { data: btoa(data), count: points, low: [0, 0, 0], high: [4, 4, 3] }, boxes = [["truth", "chair", [2, 2, 1, 1, 1, 1]]];
        const bright = (canvas) => { const shot = document.createElement("canvas"); shot.width = shot.height = 100; const pen = shot.getContext("2d"); pen.drawImage(canvas, 0, 0, 100, 100); return pen.getImageData(0, 0, 100, 100).data.filter((value, at) => at % 4 < 3 && value > 60).length; };
        const shown = (cloud) => { cloud.element.style.height = "300px"; document.body.append(cloud.element); cloud.draw(); return [cloud.element.dataset.drawn, bright(cloud.canvas), cloud.labels.children.length]; };
        window.requestAnimationFrame = (then) => setTimeout(() => then(performance.now()), 16); // no frame is drawn while a page is dumped
        const one = new Cloud(packed, boxes); told.fast = shown(one); told.all = one.cloud.points;
        one.spin(); const from = one.yaw; await until(() => one.yaw !== from); told.spun = true; one.spin(); told.stopped = !one.spinning; one.element.remove(); one.free();
        const usual = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind === "webgl2" ? null : usual.call(this, kind, ...rest); };
        told.plain = shown(new Cloud(packed, boxes));
        """,
    )
    assert seen["all"] == 200_000 and seen["spun"] and seen["stopped"] and seen["fast"][1] > 1500 and seen["fast"][2] == 1
    assert seen["plain"][0] == "canvas" and seen["plain"][1] > 1500 and seen["plain"][2] == 1


def test_a_cloud_is_drawn_and_can_be_turned(pages):
    seen = walk(
        pages,
        """
        await until(() => lammView.loaded);
        let number = 0; while (taskOf(number).name !== "scannet") number++;
        await visit("#samples&open=" + encodeURIComponent(linkName(number)), () => document.querySelector("canvas.cloud")?.width > 300);
        const bright = () => { const shot = document.createElement("canvas"); shot.width = shot.height = 200; const pen = shot.getContext("2d"); pen.drawImage(lammView.turning.canvas, 0, 0, 200, 200); return [...pen.getImageData(0, 0, 200, 200).data].filter((value, at) => at % 4 < 3 && value > 60).length; };
        told.how = document.querySelector(".stage").dataset.drawn; told.labels = all(".label").length;
        lammView.turning.draw(); told.side = bright(); lammView.turning.look(0, 0); told.top = bright();
        lammView.turning.near(3); told.near = bright();
        document.querySelector("#layer-truth").click(); told.hidden = all(".label.truth").length;
        """,
    )
    assert seen["how"] in ("webgl2", "canvas") and seen["labels"] >= 1 and seen["hidden"] == 0
    assert min(seen["side"], seen["top"], seen["near"]) > 500 and len({seen["side"], seen["top"], seen["near"]}) > 1
