"""The page over several runs: what stands in its files, that nothing said becomes code, and a walk through it in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.show.report.shapes import Shape
from lamm_bench.show.report.text import clean
from lamm_bench.show.view import SCRIPTS, STYLES, write_view
from lamm_bench.show.view.evidence import evidence
from lamm_bench.show.view.figures import AREAS, SEVERAL, UNREAD, confusion, counted, histogram, means, reliability, sized
from lamm_bench.show.view.gather import Opinion, Seen, TaskSeen, tone_of
from lamm_bench.show.view.pictures import Pictures, from_above
from lamm_bench.show.view.shards import as_text, short, texts
from lamm_bench.types import Media, Sample

from .browser import walk
from .commands import done, refusal
from .test_report import NASTY, catalog, root  # noqa: F401  (fixtures)
from .test_report import run as finished  # noqa: F401

# files of a page


def data_of(path: Path) -> Any:
    """What a script of data hands to the page."""
    text = path.read_text(encoding="utf-8")
    inner = text[text.index("(") + 1 : text.rindex(")")]
    told = json.loads(json.loads(inner if inner.startswith('"') else inner.split(", ", 1)[1]))
    return {key: column(value) for key, value in told.items()} if path.name.startswith("rows-") else told


def column(told: Any) -> list[Any]:
    """A column of rows, also where it stands as its different values and their places."""
    return told if isinstance(told, list) else [told["of"][place] for place in told["at"]]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Iterator[Path]:
    """The oracle and chance about six samples of several tasks, and the page over both."""
    folder = tmp_path_factory.mktemp("pages")
    asked = ("--tasks", "cifar10,voc2012,fsc147,lsp,scannet,sqaimage", "--limit", 10)
    for model in ("oracle", "chance"):
        done("run", "--model", model, *asked, "--output", folder / model)
    done("view", folder / "oracle", folder / "chance", "--output", folder / "page")
    yield folder / "page"


def test_runs_whose_words_were_made_worse_stand_side_by_side(tmp_path):
    for model in ("oracle", "chance"):
        done("run", "--model", model, "--tasks", "cifar10", "--limit", 5, "--corrupt", "lower_case", "--output", tmp_path / model)
    assert ", 5 samples of 2 runs" in done("view", tmp_path / "oracle", tmp_path / "chance", "--output", tmp_path / "page")


def test_every_sample_stands_in_the_page_with_what_both_runs_said(pages):
    meta, rows = data_of(pages / "data/meta.js"), data_of(pages / "data/rows-0.js")
    assert meta["count"] == len(rows["id"]) == 60 and [run["name"] for run in meta["runs"]] == ["oracle", "chance"]
    assert set(rows["tone0"]) == {"right"} and "wrong" in rows["tone1"]
    for name in ("cifar10", "voc2012", "scannet"):
        scores = json.loads((pages.parent / f"chance/scores/{name}.json").read_text())["protocols"]["standard"]["samples"]
        task = [one["name"] for one in meta["tasks"]].index(name)
        shown = {id: value for id, value, of in zip(rows["id"], rows["value1"], rows["task"]) if of == task}
        assert shown == {id: pytest.approx(values["value"], abs=1e-4) for id, values in scores.items()}


def test_what_was_asked_is_shown_word_for_word_and_compared_with_the_records(pages):
    details = data_of(pages / "data/more-0.js")
    asked = [request for one in details for side in one["said"].values() for request in side["asked"]]
    assert len(asked) == 2 * (50 + 10 * 14) and not any(request.get("other") for request in asked)
    cifar = details[0]
    assert cifar["question"] in cifar["said"]["0"]["asked"][0]["messages"][-1][1]


def test_a_prompt_that_today_would_be_another_is_marked_so(tmp_path):
    done("run", "--model", "oracle", "--tasks", "cifar10", "--limit", 2, "--output", tmp_path / "run")
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    manifest["identity"]["recipe"]["instruction"]["template"] = "{question} Please."
    (tmp_path / "run/manifest.json").write_text(json.dumps(manifest))
    done("view", tmp_path / "run", "--output", tmp_path / "page")
    for one in data_of(tmp_path / "page/data/more-0.js"):
        for request in one["said"]["0"].get("asked", [{"other": True}]):
            assert request["other"]


def test_a_blind_run_stands_beside_the_seeing_one(tmp_path):
    for name, more in (("seeing", ()), ("blind", ("--control", "blind"))):
        done("run", "--model", "oracle", "--tasks", "cifar10", "--limit", 3, *more, "--output", tmp_path / name)
    done("view", tmp_path / "seeing", tmp_path / "blind", "--output", tmp_path / "page")
    rows, more = data_of(tmp_path / "page/data/rows-0.js"), data_of(tmp_path / "page/data/more-0.js")
    assert len(rows["id"]) == 3 and rows["tone0"] == rows["tone1"] == ["right"] * 3
    assert not any(request.get("other") for one in more for side in one["said"].values() for request in side["asked"])


def test_other_folders_are_refused_and_pages_replaced(tmp_path, pages):
    runs = pages.parent
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    assert "holds other things" in refusal("view", runs / "oracle", "--output", tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"
    (tmp_path / "file").write_text("")
    assert "is no folder" in refusal("view", runs / "oracle", "--output", tmp_path / "file")
    assert "view: " in done("view", runs / "oracle", "--output", tmp_path / "page", "--pictures", 0)
    assert "view: " in done("view", runs / "chance", "--output", tmp_path / "page", "--pictures", 0)
    assert data_of(tmp_path / "page/data/meta.js")["runs"][0]["name"] == "chance"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "page"]  # nothing half-written is left
    (tmp_path / "unfinished").mkdir()
    shutil.copy(runs / "chance/manifest.json", tmp_path / "unfinished")
    assert "no result.json" in refusal("view", tmp_path / "unfinished", "--output", tmp_path / "page")
    assert data_of(tmp_path / "page/data/meta.js")["runs"][0]["name"] == "chance"


def test_all_files_of_the_page_are_installed_and_short():
    here = Path(write_view.__code__.co_filename).parent
    assert {path.name for path in here.iterdir() if path.suffix in (".js", ".css")} == {*STYLES, *SCRIPTS}
    for name in (*STYLES, *SCRIPTS):
        text = (here / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 350, name
        for never in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "new Function",
            "http:",
            "https:",
            "fetch(",
        ):
            assert never not in text.replace("http://www.w3.org/2000/svg", ""), (name, never)


# nothing said becomes code


@given(
    st.recursive(
        st.text() | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    )
)
def test_any_data_is_a_text_in_its_script(value):
    script = as_text(value)
    assert script.isascii() and "<" not in script and "\n" not in script
    assert json.loads(json.loads(script)) == value


@given(st.lists(st.sampled_from([0, 0.0, 1, True, None, "", "a", "1"])) | st.lists(st.lists(st.sampled_from("ab"), max_size=2)))
def test_a_short_column_is_still_the_whole_column(values):
    assert json.dumps(column(json.loads(json.dumps(short(values))))) == json.dumps(values)


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_an_answer_in_runs_is_still_the_whole_answer(text, begin, end):
    begin, end = sorted((min(begin, len(text)), min(end, len(text))))
    ((part, runs),) = texts(text, {"": (begin, end)})
    assert part == "" and "".join(words for words, _ in runs) == clean(text[:begin]) + clean(text[begin:end]) + clean(text[end:])
    assert [words for words, read in runs if read] == ([clean(text[begin:end])] if end > begin else [])


def test_hostile_answers_names_and_files_stay_text(finished, catalog, root, tmp_path):  # noqa: F811
    nasty = tmp_path / "<script>alert(1)</script> '\" & run"
    shutil.copytree(finished, nasty)
    count = write_view([finished, nasty], [root, root], catalog, tmp_path / "page")
    assert count == 7
    for path in (tmp_path / "page").rglob("*.*"):
        if path.suffix in (".js", ".html") and path.parent.name != "page":
            assert "<script>alert" not in path.read_text(encoding="utf-8"), path
    assert not [path for path in (tmp_path / "page/media").rglob("*") if path.is_file() and not path.stem.isalnum()]
    seen = walk(
        tmp_path / "page",
        """
        window.alert = () => { told.alerted = true; };
        await until(() => document.querySelector("#tile-a-b"));
        told.title = document.title;
        await visit("#samples", () => all(".row").length === 7);
        told.rows = all(".row .words").map((one) => one.textContent);
        for (let number = 0; number < 7; number++) { key("j"); await until(() => all(".side").length === 2 && text(".walk small").startsWith(` ${number + 1} of`)); told[`sample${number}`] = text("#detail"); }
        await visit("#samples&q=" + encodeURIComponent("</script><script>alert"), () => text("#count").startsWith("1 of"));
        told.scripts = all("script:not([src])").length; told.odd = all("#page [onerror], #page script, #page cat").length;
        """,
    )
    assert "alerted" not in seen and seen["scripts"] == 0 and seen["odd"] == 0
    assert any("</script><script>alert(1)</script>" in words for words in seen["rows"])
    assert clean(NASTY) in seen["sample0"] and "<b>no memory</b>" in "".join(str(value) for value in seen.values())
    assert "not an image" in seen["sample4"] and "<script>alert(1)" in seen["title"] + seen["sample0"]


# what was read


def test_the_part_that_was_read_decides_and_suffices():
    from lamm_bench.read import read_choice, read_number

    said = "Let me see. There are trees and, I think, 14 sheep on the hill."
    begin, end = evidence(read_number, said) or (0, 0)
    assert "14" in said[begin:end] and len(said[begin:end]) < 12
    said = "The picture shows a lake. The answer is (B), since it flies."
    begin, end = evidence(lambda text: read_choice(text, ["fish", "bird"]), said) or (0, 0)
    assert "(B)" in said[begin:end] and "lake" not in said[begin:end]


@given(
    st.lists(st.sampled_from(["cat", "dog", "12", "7", "is", "(A)", "[0.1, 0.2]", "no"]), max_size=8).map(" ".join),
    st.sampled_from([2, 3]),
)
def test_evidence_reads_the_same_alone_and_its_absence_is_felt(text, kind):
    from lamm_bench.read import read_number

    reader = read_number if kind == 2 else lambda said: tuple(word for word in said.split() if word in ("cat", "dog")) or None
    found = evidence(reader, text)
    if found is not None:
        begin, end = found
        assert reader(text[begin:end]) == reader(text)
        assert reader(f"{text[:begin]} {text[end:]}") != reader(text)


def test_nothing_is_marked_where_nothing_was_read_or_no_part_decides():
    assert evidence(lambda text: None, "anything") is None
    assert evidence(lambda text: 7, "whatever is said") is None
    assert evidence(lambda text: 1 / 0, "a reader that fails") is None
    assert evidence(lambda text: np.ones(3), "arrays") is None


# tones and figures


def saying(value: float | None, status: str = "ok", answer: str | None = "x", **values: Any) -> Opinion:
    return Opinion(status, "", value, values, answer, {}, (), (), (), (), None, 0.0, ())


def of_task(unit: str, better: str, share: bool) -> TaskSeen:
    return TaskSeen("t", "", better, unit, "m", share, ())


@pytest.mark.parametrize(
    ("value", "task", "tone"),
    [
        (1, of_task("percent", "higher", True), "right"),
        (0, of_task("percent", "higher", True), "wrong"),
        (0.4, of_task("percent", "higher", True), "partly"),
        (99.99999998, of_task("percent", "higher", False), "right"),
        (1.0, of_task("percent", "higher", False), "partly"),
        (0.0, of_task("count", "lower", False), "right"),
        (2.0, of_task("count", "lower", False), "wrong"),
        (5.0, of_task("score", "higher", False), "read"),
    ],
)
def test_tones_say_right_partly_or_wrong(value, task, tone):
    assert tone_of(saying(value), task) == tone


def test_an_unread_count_is_wrong_though_its_error_is_none_and_no_answer_has_no_tone():
    assert tone_of(saying(0.0, "unread"), of_task("count", "lower", False)) == "wrong"
    assert tone_of(saying(0.0, "model_error", None), of_task("percent", "higher", True)) == ""


def sample_of(number: int, *shapes: Shape) -> Seen:
    return Seen(Sample(f"s{number}", "?", (), None, f"g{number}"), None, shapes)


def test_a_confusion_matrix_counts_every_sample_once():
    true = ["cat", "cat", "dog", "cow", "dog"]
    said = [(["cat"], "ok"), (["dog"], "ok"), ([], "unread"), (["cat", "dog"], "ok"), (["dog"], "ok")]
    rows = [(sample_of(n), saying(0, status, expected=t, predicted=s)) for n, (t, (s, status)) in enumerate(zip(true, said))]
    found = confusion(rows)
    assert (
        found is not None
        and found["rows"] == ["cat", "cow", "dog"]
        and found["columns"] == ["cat", "cow", "dog", SEVERAL, UNREAD]
    )
    assert found["counts"] == [[1, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 1, 0, 1]]


def test_sizes_and_counts_of_things_make_groups():
    assert (
        sized(sample_of(0, Shape("", (0, 0, 0.05, 0.05)))) == AREAS[0][1]
        and sized(sample_of(0, Shape("", (0, 0, 1, 1)))) == AREAS[3][1]
    )
    assert sized(sample_of(0)) is None and sized(sample_of(0, Shape("", (0, 0, 0, 1, 1, 3)))) == "2 m³ and more"
    one = sample_of(0)
    one.said[0] = saying(1.0, expected=16)
    assert counted(one) == "16 to 31"
    assert means([("a", 1.0), ("b", 0.0), ("a", 0.0)]) == [["a", 0.5, 2], ["b", 0.0, 1]] and means([("a", 1.0)]) == []


def test_reliability_is_that_of_the_calibration_module():
    from lamm_bench.measure.calibration import bins_of, expected_error

    draw = np.random.default_rng(0)
    sure, right = draw.uniform(0.3, 1, 60), draw.integers(0, 2, 60)
    rows = [(sample_of(n), saying(int(r), prob=float(p))) for n, (p, r) in enumerate(zip(sure, right))]
    found = reliability(rows)
    assert found is not None and found["n"] == 60 and found["ece"] == expected_error(bins_of(sure, right.astype(float)))
    assert found["ci95"][0] <= found["ece"] <= found["ci95"][1] and reliability(rows[:5]) is None


def test_a_histogram_holds_every_value():
    rows = [(sample_of(n), saying(n / 40)) for n in range(41)]
    found = histogram(of_task("percent", "higher", True), rows)
    assert found is not None and sum(found["counts"]) == 41 and found["edges"][0] == 0 and found["edges"][-1] == 1


# media


def test_a_medium_is_written_once_and_a_cloud_has_a_picture(tmp_path):
    Image.new("RGB", (900, 300), "red").save(tmp_path / "a b<c>.png")
    np.save(tmp_path / "room.npy", np.random.default_rng(0).uniform(0, 4, (500, 6)).astype(np.float32))
    pictures = Pictures(tmp_path / "page", 320)
    flat, room = (
        pictures.of(Media(kind, str(tmp_path / name))) for kind, name in (("image", "a b<c>.png"), ("point_cloud", "room.npy"))
    )
    assert (flat["width"], flat["height"], flat["name"]) == (900, 300, "a b<c>.png")
    assert Image.open(tmp_path / "page" / flat["file"]).size == (320, 107)
    assert Image.open(tmp_path / "page" / flat["thumb"]).size == (128, 43)
    assert (tmp_path / "page/media" / room["cloud"][:2] / f"{room['cloud']}.js").read_text().startswith("lammView.cloud(")
    assert Image.open(tmp_path / "page" / room["file"]).size == (128, 128)
    assert "broken" in pictures.of(Media("image", str(tmp_path / "none.png")))
    assert from_above(np.zeros((1, 3))) and pictures.of(Media("image", str(tmp_path / "a b<c>.png"))) is flat


# in a real browser


def test_where_one_is_right_and_the_other_wrong_is_two_clicks_away(pages):
    seen = walk(
        pages,
        """
        await until(() => document.querySelector("#tile-a-b"));
        told.bars = all("table.scores .bar-chart .value").length; told.tile = Number(text("#tile-a-b b"));
        document.querySelector("#tile-a-b").click();
        await until(() => document.querySelector(".row") && lammView.loaded && text("#count"));
        told.count = parseInt(text("#count")); told.dots = all(".row").map((row) => row.querySelectorAll(".dot").length);
        document.querySelector(".row").click();
        await until(() => all(".side").length === 2 && document.querySelector("#detail .frame, #detail .stage"));
        told.sides = all(".side .tone").map((one) => one.textContent); told.link = location.hash;
        await until(() => document.querySelector("mark")); told.mark = text(".side mark"); told.said = text(".side .said");
        key("p"); await until(() => document.querySelector("details.prompt").open); told.prompt = text("details.prompt .message:last-child .text");
        key("j"); await until(() => text(".walk small").startsWith(" 2 of")); key("k"); await until(() => text(".walk small").startsWith(" 1 of"));
        key("x"); await until(() => lammView.list && document.querySelector("#run-a").value === "1"); told.swapped = location.hash; key("x");
        key("/"); told.searching = document.activeElement.id; key("Escape");
        await visit("#samples&task=voc2012&open=voc2012/" + encodeURIComponent(cell(lammView.data.tasks[0].total, "id")), () => document.querySelector("rect.shape.truth"));
        told.boxes = all("rect.shape.truth").length; told.classes = all("#by-class option").length;
        document.querySelector(".frame").click(); await until(() => document.querySelector("dialog.large[open] rect.shape.truth")); document.querySelector("dialog").close();
        await visit("#samples&q=" + encodeURIComponent("frog deer"), () => text("#count").startsWith("0 of") || Number.parseInt(text("#count")) >= 0); told.search = text("#count");
        await visit("#charts&task=cifar10", () => document.querySelector("table.confusion")); told.confusion = all("table.confusion").length;
        document.querySelector("table.confusion .cell.hit a").click(); await until(() => document.querySelector(".row")); told.cell = [location.hash, text("#count")];
        key("?"); await until(() => document.querySelector("dialog.help")); told.help = all("dialog.help dt").length;
        """,
    )
    assert seen["tile"] == seen["count"] > 5 and set(seen["dots"]) == {2} and seen["bars"] >= 12
    assert seen["sides"][0].endswith("right") and not seen["sides"][1].endswith(" right")
    assert seen["mark"] and seen["mark"] in seen["said"] and "open=" in seen["link"] and len(seen["prompt"]) > 10
    assert "a=1" in seen["swapped"] and seen["searching"] == "search"
    assert seen["boxes"] >= 1 and seen["classes"] > 2 and seen["confusion"] == 2 and seen["help"] >= 8
    assert "class=" in seen["cell"][0] and not seen["cell"][1].startswith("0 of")


def test_a_folder_that_is_not_there_is_told():
    with pytest.raises(BenchError):
        write_view([Path("nowhere")], [Path(".")], None, Path("page"))  # type: ignore[arg-type]
