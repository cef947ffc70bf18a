"""Every page as it is seen: light and dark, on a desk and in a hand. Set LAMM_BENCH_PICTURES to a folder, and all of them are kept there.

Without it a few are looked at: none may be empty, wider than its window, or of the wrong shade."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from .browser import PHONE, face, walk
from .commands import done
from .test_view import data_of

KEPT = os.environ.get("LAMM_BENCH_PICTURES")
FEW = {("overview", "light", False), ("cloud", "dark", True)}
PAGES = ("overview", "list", "picture", "points", "cloud", "charts", "chart-sizes")
FACES = [(page, theme, phone) for page in PAGES for theme in ("light", "dark") for phone in (False, True)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """The built-in model and chance about some samples of several tasks, and the page over both."""
    folder = tmp_path_factory.mktemp("faces")
    asked = ("--tasks", "cifar10,voc2012,fsc147,lsp,scannet,sqaimage,flickr30k", "--limit", 40)
    for model in ("oracle", "chance"):
        done("run", "--model", model, *asked, "--output", folder / model)
    done("view", folder / "oracle", folder / "chance", "--output", folder / "page")
    return folder / "page"


def link_of(pages: Path, page: str, theme: str) -> str:
    rows, meta = data_of(pages / "data/rows-0.js"), data_of(pages / "data/meta.js")
    names = [task["name"] for task in meta["tasks"]]

    def sample(task: str) -> str:
        return f"task={task}&open={task}%2F{rows['id'][rows['task'].index(names.index(task)) + 1]}"

    links = {
        "overview": "#overview&",
        "list": "#samples&pair=a%3Eb&",
        "picture": f"#samples&{sample('voc2012')}",
        "points": f"#samples&{sample('lsp')}",
        "cloud": f"#samples&{sample('scannet')}",
        "charts": "#charts&task=cifar10",
        "chart-sizes": "#charts&task=voc2012",
    }
    return f"{links[page]}&theme={theme}"


@pytest.mark.parametrize(("page", "theme", "phone"), FACES if KEPT else [one for one in FACES if one in FEW])
def test_a_page_is_neither_empty_nor_of_the_wrong_shade(pages, tmp_path, page, theme, phone):
    out = tmp_path / f"{page}-{theme}-{'phone' if phone else 'desk'}.png"
    face(pages, link_of(pages, page, theme), out, phone)
    picture = Image.open(out).convert("RGB")
    shade = ImageStat.Stat(picture.convert("L"))
    assert shade.stddev[0] > 8 and (shade.mean[0] < 110 if theme == "dark" else shade.mean[0] > 110)
    assert not phone or picture.size == PHONE
    if KEPT:
        picture.quantize(96, dither=Image.Dither.NONE).save(Path(KEPT) / out.name, optimize=True)


def test_no_page_is_wider_than_a_narrow_window(pages):
    links = [link_of(pages, page, "light") for page in PAGES]
    seen = walk(
        pages,
        f"""
        await until(() => lammView.loaded);
        told.wide = {{}};
        for (const link of {links!r}) {{
          await visit(link, () => state.theme && document.querySelector(".scores, .side, .row, .chart"));
          told.wide[link] = document.documentElement.scrollWidth - innerWidth;
        }}
        """,
        size=(500, 844),
    )
    assert len(seen["wide"]) == len(PAGES) and max(seen["wide"].values()) <= 0, seen["wide"]


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
