"""Tables and figures for papers: every format says the same, bold is a test's verdict, nothing breaks out of its cell."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.show.board_formats import harmless
from lamm_bench.show.figures import Entry
from lamm_bench.show.papers import FORMATS, as_csv, escaped, grids, tables
from lamm_bench.show.plots import curve, forest, radar
from lamm_bench.show.ranking import leaderboard

from .commands import done, refusal


def entry(model: str, value: float | None, half: float = 1.0, task: str = "cifar10", **more) -> Entry:
    ends = (value - half, value + half) if value is not None else None
    return replace(Entry(model, "standard", "miniature", task, "accuracy", value, ci95=ends, digest=task), **more)


def board(*entries: Entry):
    return leaderboard(entries)


CLEAR = (entry("a_1", 70), entry("b&c", 50), entry("chance", 10, reference=True))
CLOSE = (entry("a_1", 52, 5), entry("b&c", 50, 5))


@pytest.mark.parametrize(("form", "bold"), [("latex", r"\textbf{70.00}"), ("markdown", "**70.00**"), ("html", "<b>70.00</b>")])
def test_the_best_is_bold_only_where_the_test_says_so(form: str, bold: str) -> None:
    text = tables(board(*CLEAR), form)
    assert (
        bold in text
        and text.count(bold[:3]) >= 1
        and bold.replace("70", "50") not in text
        and bold.replace("70", "10") not in text
    )
    assert not re.search(r"textbf|\*\*5|<b>", tables(board(*CLOSE), form))
    assert not re.search(r"textbf|\*\*7|<b>", tables(board(CLEAR[0], CLEAR[2]), form))  # alone, it is better than nobody


def test_of_errors_the_smallest_is_the_best() -> None:
    made = tables(
        board(entry("a", 2, 0.1, better="lower", unit="count"), entry("b", 9, 0.1, better="lower", unit="count")), "latex"
    )
    assert r"\textbf{2.00}" in made and r"$\downarrow$" in made


def test_every_format_has_every_figure() -> None:
    several = board(*CLEAR, entry("a_1", 33.25, task="svt"), entry("b&c", None, task="svt", status="failed"))
    for form in FORMATS:
        text = tables(several, form)
        assert "33.25" in text and "failed" in text and "cifar10" in text and "svt" in text
    lines = list(csv.reader(io.StringIO(as_csv(grids(several)[0]))))
    assert all(len(line) == len(lines[0]) for line in lines) and lines[1][lines[0].index("cifar10 accuracy best")] == "True"


def test_what_was_asked_otherwise_is_another_table_with_the_reason() -> None:
    apart = board(*CLEAR, entry("d", 60, conditions=(("recipe", "other"),)))
    for form, number in (("latex", 2), ("markdown", 2), ("html", 2)):
        text = tables(apart, form)
        assert text.count({"latex": "\\toprule", "markdown": "| model", "html": "<table>"}[form]) == number
        assert "recipe differs (unknown | other)" in text.replace("&#x27;", "'")


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_its_cell(name: str) -> None:
    shown = board(entry(name + "x", 50), entry("other", 10))
    latex, html = tables(shown, "latex"), tables(shown, "html")
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4 and all(len(re.findall(r"(?<!\\)&", row)) == 1 for row in rows)
    cells = Cells()
    cells.feed(html)
    assert (
        set(cells.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "br", "small", "b"}
        and cells.tags.count("tr") == 3
    )
    assert all(
        line.count("|") - line.count("\\|") == 3 for line in tables(shown, "markdown").splitlines() if line.startswith("|")
    )


def test_latex_compiles_where_there_is_one(tmp_path: Path) -> None:
    program = shutil.which("pdflatex") or shutil.which("tectonic")
    if program is None:
        pytest.skip("there is no LaTeX here")
    text = tables(board(*CLEAR), "latex")
    (tmp_path / "t.tex").write_text(
        f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{text}\\end{{document}}"
    )
    assert subprocess.run([program, "t.tex"], cwd=tmp_path, capture_output=True, timeout=120).returncode == 0


def test_escapes_are_latexs() -> None:
    assert escaped("50% of a_b & #1 {x} ~ ^ \\ $") == (
        r"50\% of a\_b \& \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )


@pytest.mark.parametrize(
    ("name", "shown"), [("[7B] x", "{[}7B] x"), ("*x", "{*}x"), ("a|b", r"a\textbar{}b"), ("a--b---c", "a-{}-b-{}-{}-c")]
)
def test_no_name_is_an_argument_of_the_row_before_it_or_another_sign(name: str, shown: str) -> None:
    assert escaped(name) == shown


def test_a_run_that_is_named_twice_is_one_and_a_dot_is_part_of_a_figures_name(mini_root: Path, tmp_path: Path) -> None:
    asked = ("--tasks", "cifar10", "--data-root", mini_root, "--limit", 3)
    done("run", "--model", "chance", *asked, "--output", tmp_path / "a")
    twice = (tmp_path / "a", tmp_path / "." / "b" / ".." / "a")
    (tmp_path / "b").mkdir()
    assert done("table", *twice) == done("table", tmp_path / "a")
    assert "there are 1" in refusal("items", *twice)
    for name, there in (("llama-3.1", "llama-3.1"), ("llama-3.2", "llama-3.2"), ("c.svg", "c")):
        done("plot", *twice, "--output", tmp_path / name)
        assert all((tmp_path / f"{there}{ending}").is_file() for ending in (".svg", ".png", ".pdf"))


def words_of(drawing) -> set[str | None]:
    text = drawing.svg()
    assert not re.search(r'[",]nan', text) and "href" not in text and "<script" not in text
    return {node.text for node in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")}


def test_figures_show_every_run_and_are_the_same_twice(tmp_path: Path) -> None:
    three = [
        entry(model, value, task=task, chance=25.0) for model, value in (("a<b", 99.5), ("b", 0.5)) for task in ("x", "y", "z")
    ]
    for make in (forest, radar):
        drawing = make(three, "t")
        assert {"a<b", "b", "t"} <= words_of(drawing) and drawing.svg() == make(three, "t").svg()
        svg, png = drawing.save(tmp_path / make.__name__)
        assert Image.open(png).size == (2 * drawing.width, 2 * drawing.height) and svg.read_text() == drawing.svg()
    line = curve([(10, entry("a", 50)), (20, entry("a", 60)), (20, entry("b", 60))], "samples", "t")
    assert {"a: cifar10", "b: cifar10", "10", "20"} <= words_of(line)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(BenchError, match="none of these runs has a headline in percent"):
        forest([entry("a", 3, better="lower", unit="count")], "t")
    with pytest.raises(BenchError, match="these share 2"):
        radar([entry("a", 3, task=task) for task in "xy"], "t")
    with pytest.raises(BenchError, match="needs runs that differ in it \\(--limit\\); all of these have 10"):
        curve([(10, entry("a", 3)), (10, entry("b", 3))], "samples", "t")


def test_the_verbs(mini_root: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        more = ("--tasks", "cifar10,svt,sqaimage", "--data-root", mini_root, "--limit", 2 + seed, "--seed", seed)
        done("run", "--model", "chance", "--set", f"seed={seed}", *more, "--output", tmp_path / str(seed))
    runs = (tmp_path / "1", tmp_path / "2")
    assert "| model |" in done("table", *runs)
    done("table", *runs, "--format", "latex", "--tasks", "svt", "--output", tmp_path / "t.tex")
    assert "\\toprule" in (tmp_path / "t.tex").read_text() and "cifar10" not in (tmp_path / "t.tex").read_text()
    for kind in ("forest", "radar", "samples", "seeds"):
        done("plot", *runs, "--kind", kind, "--output", tmp_path / kind)
        assert (tmp_path / f"{kind}.svg").is_file() and (tmp_path / f"{kind}.png").is_file()
    assert "has no result.json" in refusal("table", tmp_path)
    assert "have no figure of fsc147" in refusal("plot", *runs, "--tasks", "fsc147", "--output", tmp_path / "x")
    assert "belongs to a run folder" in refusal("table", *runs, "--output", tmp_path / "1/result.json")
    assert json.loads((tmp_path / "1/result.json").read_text())["format"] == 1


def test_cells_keep_twelve_digits_and_no_more():
    assert [harmless(value) for value in (99.99999999999999, 0.1 + 0.2, 1e-9, None, 7, "=1")] == [
        100.0,
        0.3,
        1e-9,
        None,
        7,
        "'=1",
    ]
