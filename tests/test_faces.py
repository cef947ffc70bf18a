"""Every page as it is seen: light and dark, on a desk and in a hand. Set LAMM_BENCH_PICTURES to a folder, and all of them are kept there.

Without it a few are looked at. None may be empty, of the wrong shade, wider than its window, hard to read, cut or covered, give an error,
or look for anything elsewhere; what is touched must be large enough for a finger (faces_audit.js)."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageStat

from .devtools import Browser, Tab
from .faces_made import Made
from .faces_pages import DESK, FIGURES, GRADIO, HELPS, PAGES, PHONE, VIEW, Page, shown

KEPT = os.environ.get("LAMM_BENCH_PICTURES")
FEW = {
    ("view-overview", "light", False),
    ("view-cloud", "dark", True),
    ("report-cards", "dark", True),
    ("review-top", "light", True),
    ("demo-picture", "dark", False),
}
FACES = [(page, theme, phone) for page in PAGES for theme in ("light", "dark") for phone in (False, True)]
AUDIT = Path(__file__).with_name("faces_audit.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[Made]:
    everything = Made(tmp_path_factory.mktemp("faces"))
    yield everything
    everything.close()


def keep(picture: Image.Image, name: str) -> None:
    if KEPT:
        Path(KEPT).mkdir(parents=True, exist_ok=True)
        picture.save(Path(KEPT) / f"{name}.png")


def look(tab: Tab, name: str, phone: bool, size: tuple[int, int], refuses: bool = False, dark: bool = False) -> Image.Image:
    """The picture of a page that stands as it should, kept where pictures are. Fails with every sentence that the audit has to say."""
    found = tab.run(f"{AUDIT} return audit({json.dumps(phone)}, {size[0]});")
    picture = Image.open(io.BytesIO(tab.picture())).convert("RGB")
    keep(picture, name)
    assert found.pop("words") >= 5 and not tab.troubles(refuses), tab.troubles(refuses)
    assert found.pop("dark") == dark
    assert not any(found.values()), {kind: said for kind, said in found.items() if said}
    assert picture.size == size and ImageStat.Stat(picture.convert("L")).stddev[0] > 8
    return picture


def steps_of(page: Page, made: Made) -> str:
    files = f"const FILES = {shown(made)};" if "FILES" in page.steps else ""
    return f"{HELPS} {files} {page.steps} await settled();"


@pytest.mark.parametrize(("name", "theme", "phone"), FACES if KEPT else [one for one in FACES if one in FEW])
def test_a_page_is_as_it_should_be(browser, made, name, theme, phone):
    page, size = PAGES[name], PHONE if phone else DESK
    with browser.tab(page.address(made), size, phone, theme) as tab:
        tab.run(steps_of(page, made))
        picture = look(tab, f"{name}-{theme}-{'phone' if phone else 'desk'}", phone, size, page.refuses, theme == "dark")
    mean = ImageStat.Stat(picture.convert("L")).mean[0]
    assert page.mixed or (mean < 110 if theme == "dark" else mean > 110)


@pytest.mark.parametrize("page", [page for page in FIGURES if KEPT or page.name == "figure-hexagon"], ids=lambda page: page.name)
def test_a_figure_is_as_it_should_be(browser, made, page):
    address = page.address(made)
    drawn = ElementTree.parse(address.removeprefix("file://")).getroot()
    size = int(drawn.attrib["width"]), int(drawn.attrib["height"])
    with browser.tab(address, size, False, "light") as tab:
        look(tab, page.name, False, size)
    pixels = Path(address.removeprefix("file://")).with_suffix(".png")
    if pixels.exists():
        keep(Image.open(pixels).convert("RGB"), f"{page.name}-pixels")


APP = [(page, theme, phone) for page in GRADIO for theme in ("light", "dark") for phone in (False, True)]


@pytest.mark.parametrize(("page", "theme", "phone"), APP if KEPT else APP[:1])
def test_the_app_of_gradio_is_looked_at(browser, made, page, theme, phone):
    """What Gradio itself draws is not ours: that it is there, of the right shade, no wider than its window and asks nobody else."""
    if not KEPT:
        pytest.skip("pictures of Gradio's app are taken with LAMM_BENCH_PICTURES=FOLDER alone")
    pytest.importorskip("gradio", reason="needs Gradio, in an environment of its own (constraints-demo.txt)")
    size = PHONE if phone else DESK
    with browser.tab(page.address(made), size, phone, theme) as tab:
        if page.name == "gradio-picture":
            tab.run(f"{HELPS} await until(() => one('input[type=file]'));")
            tab.choose("input[type=file]", made.photo)
        tab.run(f"{HELPS} {page.steps} await settled();")
        wide = tab.run("return document.scrollingElement.scrollWidth;")
        picture = Image.open(io.BytesIO(tab.picture())).convert("RGB")
        keep(picture, f"{page.name}-{theme}-{'phone' if phone else 'desk'}")
        elsewhere = [said for said in tab.troubles() if said.startswith("asks for")]
    mean = ImageStat.Stat(picture.convert("L")).mean[0]
    assert wide <= size[0] and (mean < 110 if theme == "dark" else mean > 110) and not elsewhere, elsewhere


def test_no_page_of_the_view_is_wider_than_a_phone(browser, made):
    """All links of the page in one tab, without a picture."""
    links = {page.name: page.address(made).partition("#")[2] for page in VIEW if page.name.count("-") == 1}
    with browser.tab(made.view, PHONE, True, "light") as tab:
        wide = tab.run(
            f"""{HELPS}
            const told = {{}};
            await until(() => lammView.loaded);
            for (const [name, link] of Object.entries({json.dumps(links)})) {{
              location.hash = link;
              await until(() => document.querySelector(".scores, .side, .row, .chart, .hint"));
              await settled();
              told[name] = document.scrollingElement.scrollWidth;
            }}
            return told;"""
        )
        assert not tab.troubles(), tab.troubles()
    assert len(wide) == len(links) > 10 and set(wide.values()) == {PHONE[0]}, wide


def test_a_theme_that_is_chosen_looks_as_that_of_the_system(browser, made):
    seen = []
    for theme, link in (("dark", "#overview"), ("light", "#overview&theme=dark")):
        with browser.tab(made.view + link, DESK, False, theme) as tab:
            tab.run(steps_of(PAGES["view-overview"], made))
            seen.append(Image.open(io.BytesIO(tab.picture())).convert("L"))
    assert seen[0].tobytes() == seen[1].tobytes()
