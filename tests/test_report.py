"""The report: one file that shows a run as it was, and in which nothing that a model said can become part of the page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import from_records, score
from lamm_bench.measure.stats import ratio
from lamm_bench.media import open_cloud
from lamm_bench.read.places import Place, read_boxes
from lamm_bench.show.report import write_report
from lamm_bench.show.report.cards import card, overlay, question, reading, rounded, verdict
from lamm_bench.show.report.gather import Shown, choose
from lamm_bench.show.report.pictures import packed_cloud, thumbnail
from lamm_bench.show.report.shapes import Shape, shapes_of
from lamm_bench.show.report.text import as_script, esc
from lamm_bench.task import read_items
from lamm_bench.types import Media, Metric, Modality, Prediction, Record, Response, Sample, to_json

from .commands import lamm_bench


class BoxReader:
    """Right when the answer holds exactly the true box."""

    metrics = (Metric("accuracy", ratio("right", "items")),)

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, answer: Any, sample: Sample) -> list[Place] | None:
        return read_boxes(answer, None, self.size)

    def score(self, sample: Sample, prediction: Any) -> dict[str, float]:
        truth = tuple(sample.target[0]["bbox"])
        return {"right": float(prediction is not None and prediction[0].numbers == truth), "items": 1.0}

    def show(self, sample: Sample, prediction: Any, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["right"]}

    def whole(self, rows: Any) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Boxes:
    name: str
    modality: Modality
    protocols: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "detection"
    groups: tuple[str, ...] = ("2d",)
    answer_files: tuple[str, ...] = ("X",)
    max_new_tokens: int = 9

    @property
    def meta_files(self) -> tuple[str, ...]:
        return (f"{'2D' if self.modality == 'image' else '3D'}_Benchmark/meta_file/{self.name}.json",)

    def samples(self, root: Path) -> list[Sample]:
        return [
            Sample(item.id, item.text("query"), item.media(self.modality), item.data["object"], item.id)
            for item in read_items(root, self.meta_files)
        ]

    def oracle(self, sample: Sample, part: str = "") -> str:
        return f"{sample.target[0]['label']} {sample.target[0]['bbox']}"

    def chance(self, sample: Sample, rng: Any, samples: Any, part: str = "") -> str:
        return str([0.0] * self.protocols["standard"].size)

    def majority(self, samples: Any) -> str:
        return self.oracle(samples[0])


FLAT = Boxes("flat", "image", {"standard": BoxReader(4)})
ROOMS = Boxes("rooms", "point_cloud", {"standard": BoxReader(6)})
NASTY = """</script><script>alert(1)</script><img src=x onerror="alert(2)"> ' " & \x00\x1b[31m javascript:alert(3)"""
ANSWERS = {
    "f0": f"{NASTY} \ud800",
    "f1": "cat [0.1, 0.2, 0.5, 0.6]",
    "f2": "dog [0.3, 0.3, 0.9, 0.9]",
    "f3": None,
    "f4": "[0, 0, 1, 1]",
}


@pytest.fixture
def root(tmp_path) -> Path:
    """Five pictures of which one is broken, and two rooms."""
    root = tmp_path / "data"
    for folder in ("2D_Benchmark/meta_file", "3D_Benchmark/meta_file"):
        (root / folder).mkdir(parents=True)
    flat = []
    for number in range(5):
        Image.new("RGB", (200, 100), (50 * number, 0, 0)).save(root / "2D_Benchmark" / f"{number}.png")
        box = {"label": "<cat>" if number == 0 else "cat", "bbox": [0.1, 0.2, 0.5, 0.6]}
        flat.append(
            {
                "id": f"f{number}",
                "image": f"{number}.png",
                "query": f"Where? {NASTY}" if number == 0 else "Where?",
                "object": [box],
            }
        )
    (root / "2D_Benchmark" / "4.png").write_bytes(b"broken")
    (root / FLAT.meta_files[0]).write_text(json.dumps(flat))
    np.save(root / "3D_Benchmark" / "room.npy", np.random.default_rng(0).uniform(0, 4, (500, 6)).astype(np.float32))
    box = {"label": "chair", "bbox": [1.0, 1.0, 0.5, 0.4, 0.4, 0.9]}
    rooms = [{"id": f"r{number}", "pcl": "./room.npy", "query": "Where?", "object": [box]} for number in range(2)]
    (root / ROOMS.meta_files[0]).write_text(json.dumps(rooms))
    return root


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(tasks={"flat": FLAT, "rooms": ROOMS})  # type: ignore[dict-item]


@pytest.fixture
def run(tmp_path, root) -> Path:
    """A finished run: right, wrong, unread, failed, and one answer about a broken picture."""
    folder = tmp_path / "run"
    plans = [plan(task, task.samples(root), None, 0, None) for task in (FLAT, ROOMS)]  # type: ignore[arg-type]
    identity = {"recipe": {"name": "lamm/standard"}, "data": {w.task.name: w.data for w in plans}, "limit": None, "seed": 0}
    manifest = {
        "format": 1,
        "identity": identity,
        "model": {"name": NASTY[:60], "settings": {"checkpoint": "<x>"}},
        "versions": {},
    }
    opened = Run.start(folder, manifest)
    results = []
    for work in plans:
        ledger = opened.ledger(work.task.name, write=True)
        for sample in work.samples:
            answer = ANSWERS.get(sample.id, "chair [1, 1, 0.5, 0.4, 0.4, 0.9]")
            if answer is None:
                end = Record(sample.id, "model_error", None, "<b>no memory</b>")
                ledger.append(sample.id, 0, "", Response(error="<b>no memory</b>", status="model_error"), end)
            else:
                ledger.append(sample.id, 0, "", Response("Let me <i>think</i>."), None)
                ledger.append(sample.id, 1, "", Response(answer), Record(sample.id, "ok", Prediction(answer)))
        ledger.close()
        scored = score(work.task, "standard", work.samples, from_records(ledger.ended))
        results.append({**scored.to_json(), "notes": ["<script>note</script>"]})
        opened.save(
            f"scores/{work.task.name}.json",
            {"task": work.task.name, "protocols": {"standard": {"samples": to_json(scored.samples)}}},
        )
    head = {
        "recipe": "lamm/standard",
        "source": "miniature",
        "data": identity["data"],
        "skipped": {"vqa": "takes no <b>"},
        "unavailable": {},
    }
    opened.save("result.json", {"format": 1, "results": results, **head})
    opened.close()
    return folder


class Tags(HTMLParser):
    """Every element and attribute of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def written(run, catalog, root, per_task: int = 24) -> tuple[str, Tags]:
    text = write_report(run, catalog, root, run / "report.html", per_task).read_text(encoding="utf-8")
    return text, Tags(text)


def cards_of(tags: Tags) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in tags.found if tag == "article"]


# nothing said becomes part of the page


def test_what_models_and_data_say_never_becomes_markup(run, catalog, root):
    text, tags = written(run, catalog, root)
    elements = Counter(tag for tag, _ in tags.found)
    assert elements["script"] == 2 and elements["b"] and elements["cat"] == 0
    assert elements["img"] == 4  # the pictures, and none of the answer's
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href"):
            if name in attributes:
                assert (attributes[name] or "").startswith(("data:image/", "#")), (tag, attributes)
    assert "onerror=" in tags.text and "\x00" not in text and "\x1b" not in text


def test_the_page_needs_nothing_outside_and_allows_only_its_own_script(run, catalog, root):
    text, tags = written(run, catalog, root)
    policy = next(a["content"] for tag, a in tags.found if tag == "meta" and "http-equiv" in a)
    script = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert policy is not None and f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy
    assert not [a for tag, a in tags.found if tag in ("link", "iframe", "object", "embed", "base", "form")]
    assert "url(" not in text and "@import" not in text


@given(st.text())
def test_any_text_survives_the_page_as_text(said):
    tags = Tags(f'<p title="{esc(said)}">{esc(said)}</p>')
    assert [tag for tag, _ in tags.found] == ["p"]
    clean = "".join(c if c in "\n\t" or (c >= " " and c != "\x7f") else "\ufffd" for c in said)
    clean = re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", lambda turn: f"\\u{ord(turn[0]):04x}", clean)  # shown, not obeyed
    assert tags.text == clean == tags.found[0][1]["title"]


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_data_survives_the_script_element(value):
    text = as_script(value)
    assert "<" not in text and json.loads(text) == value


# what is shown


def test_every_sample_is_shown_with_its_status_and_failures_come_first(run, catalog, root):
    _, tags = written(run, catalog, root)
    flat = [card["data-status"] for card in cards_of(tags) if card["data-task"] == "flat"]
    assert flat == ["model_error", "unread", "ok", "ok", "ok"]
    assert [card["data-status"] for card in cards_of(tags) if card["data-task"] == "rooms"] == ["ok", "ok"]


def test_question_answer_truth_and_error_can_be_read(run, catalog, root):
    _, tags = written(run, catalog, root)
    for words in (
        "Where?",
        "dog [0.3, 0.3, 0.9, 0.9]",
        "cat [0.1, 0.2, 0.5, 0.6]",
        "<b>no memory</b>",
        "Let me <i>think</i>.",
        "takes no <b>",
    ):
        assert words in tags.text, words
    assert "not comparable with published" in tags.text


def test_the_table_shows_score_interval_counts_and_references(run, catalog, root):
    text, tags = written(run, catalog, root)
    result = json.loads((run / "result.json").read_text())["results"][0]
    assert f"{result['metrics']['accuracy']['value']:.2f}" in tags.text
    for name in ("chance", "majority", "oracle"):
        assert f'class="mark {name}"' in text
    assert "All metrics and protocols" in tags.text


def test_a_broken_picture_is_said_and_the_rest_is_shown(run, catalog, root):
    _, tags = written(run, catalog, root)
    assert "not an image" in tags.text and len(cards_of(tags)) == 7


def test_boxes_of_truth_and_answer_are_drawn_where_they_lie(run, catalog, root):
    text, _ = written(run, catalog, root)
    assert '<rect class="truth" x="20.00" y="20.00" width="80.00" height="40.00">' in text
    assert '<rect class="said" x="60.00" y="30.00" width="120.00" height="60.00">' in text


def test_a_cloud_is_stored_once_for_all_samples_that_show_it(run, catalog, root):
    text, tags = written(run, catalog, root)
    canvases = [a for tag, a in tags.found if tag == "canvas"]
    assert [a["data-cloud"] for a in canvases] == ["0", "0"]
    assert json.loads(canvases[0]["data-boxes"] or "") == [
        ["truth", "chair", [1.0, 1.0, 0.5, 0.4, 0.4, 0.9]],
        ["said", "", [1.0, 1.0, 0.5, 0.4, 0.4, 0.9]],
    ]
    stored = re.search(r'id="clouds">(.*?)</script>', text, re.S)
    assert stored is not None and len(json.loads(stored.group(1))) == 1


def test_a_packed_cloud_keeps_its_points_to_a_fraction_of_a_millimetre(root):
    reference = Media("point_cloud", str(root / "3D_Benchmark" / "room.npy"))
    packed = packed_cloud(open_cloud(reference))
    cloud = np.load(reference.path)
    data = base64.b64decode(packed.data)
    places = np.frombuffer(data, "<u2", packed.count * 3).reshape(-1, 3) / 65535
    low, high = np.array(packed.low), np.array(packed.high)
    assert np.abs(low + places * (high - low) - cloud[:, :3]).max() < 1e-4
    assert np.abs(np.frombuffer(data[packed.count * 6 :], np.uint8).reshape(-1, 3) - cloud[:, 3:]).max() < 1


def test_thumbnails_are_small_and_tell_the_size_of_the_original(tmp_path):
    Image.new("RGB", (2000, 1000)).save(tmp_path / "a.png")
    small = thumbnail(Media("image", str(tmp_path / "a.png")))
    assert (small.width, small.height) == (2000, 1000) and len(small.url) < 5000 and small.url.startswith("data:image/jpeg")


# which samples are shown


def test_the_worst_are_shown_first_with_some_of_the_best():
    scores = {str(n): {"status": "ok", "value": n} for n in range(100)} | {
        "50": {"status": "media_error"},
        "60": {"status": "unread"},
    }
    ids = [str(n) for n in range(100)]
    assert choose(ids, scores, "higher", 8) == ["50", "60", "0", "1", "2", "3", "98", "99"]
    assert choose(ids, scores, "lower", 8) == ["50", "60", "99", "98", "97", "96", "1", "0"]
    assert choose(ids[:3], scores, "higher", 8) == ["0", "1", "2"]
    assert choose(ids, {}, "higher", 1) == ["0"]


def test_the_number_of_samples_is_limited(run, catalog, root):
    _, tags = written(run, catalog, root, per_task=2)
    assert Counter(card["data-task"] for card in cards_of(tags)) == {"flat": 2, "rooms": 2}
    assert "2 of 5 samples" in tags.text and "all 2 samples" in tags.text


# faults


def test_other_data_than_the_runs_are_never_shown(run, catalog, root):
    file = root / FLAT.meta_files[0]
    file.write_text(file.read_text().replace("0.6", "0.7"))
    _, tags = written(run, catalog, root)
    assert "are not those that the run was asked about" in tags.text
    assert {card["data-task"] for card in cards_of(tags)} == {"rooms"}


def test_without_data_the_scores_are_shown_all_the_same(run, catalog, tmp_path):
    (tmp_path / "empty").mkdir()
    _, tags = written(run, catalog, tmp_path / "empty")
    assert cards_of(tags) == [] and "flat.json is missing" in tags.text and "accuracy" in tags.text


def test_an_unfinished_run_and_a_folder_that_is_none_are_refused(run, catalog, root, tmp_path):
    (run / "result.json").unlink()
    with pytest.raises(BenchError, match="has no result.json"):
        write_report(run, catalog, root, run / "report.html")
    with pytest.raises(BenchError, match="is no run folder"):
        write_report(tmp_path / "none", catalog, root, run / "report.html")


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(run, catalog, root, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot write"):
        write_report(run, catalog, root, tmp_path / "file" / "report.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BenchError, match="cannot write"):
        write_report(run, catalog, root, tmp_path / "taken")
    assert not list(tmp_path.glob(".*tmp"))


# shapes


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ([Place("cat", (0.0, 0.0, 1.0, 1.0)), Place(None, (0.5, 0.5))], [("cat", 4), ("", 2)]),
        ({"neck": [Place(None, (0.1, 0.1))], "head top": None}, [("neck", 2)]),
        ([{"label": "chair", "bbox": [0, 0, 0, 1, 1, 1]}], [("chair", 6)]),
        ((1, 2, 3, 1, 1, 1), [("", 6)]),
        ([[0.1, 0.2], [0.3, 0.4]], [("", 2), ("", 2)]),
        ("[0.1, 0.2]", []),
        ([1, 2, 3], []),
        ([float("nan"), 0.5], []),
        ({"label": "x", "bbox": "none"}, []),
        ({"a": {"b": [True, False]}}, []),
    ],
)
def test_places_are_found_in_whatever_a_scorer_reads(prediction, expected):
    assert [(shape.label, len(shape.numbers)) for shape in shapes_of(prediction)] == expected


def test_reversed_and_huge_boxes_are_drawn_as_rectangles_near_the_picture():
    drawn = overlay([Shape("<x>", (0.9, 0.9, 0.1, 1e9))], "said", 100, 100)
    assert 'x="10.00" y="90.00" width="80.00" height="110.00"' in drawn and "&lt;x&gt;" in drawn


def test_only_the_oracles_long_decimals_are_rounded():
    assert rounded({"neck": "[0.123456, 0.5]"}) == {"neck": "[0.123, 0.5]"} and rounded(None) is None


def test_parts_and_options_are_listed():
    sample = Sample("a", "Which?", (), 0, "g", choices=("red", "green"), parts=("neck",))
    shown = Shown(sample, "ok", {"value": 1.0}, {"neck": "[0.1, 0.2]"}, None, 0.0, (), None, (), ())
    text = Tags(card("t", shown, {})).text
    assert "• red" in text and "neck" in text and "[0.1, 0.2]" in text
    empty = card("t", replace(shown, answer=" "), {})
    assert "<i>empty</i>" in empty


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("metrics", "value"), '<meta http-equiv=refresh content="0;url=https://evil.example">'),
        (("metrics", "ci95"), ["<b>", 2]),
        (("metrics", "ci95"), [1]),
        (("metrics", "n"), "<b>"),
        (("metrics", "unit"), None),
        (("counts", "ok"), "<b>"),
        (("counts",), []),
        (("metrics",), None),
        (("task",), 3),
    ],
)
def test_a_result_of_a_stranger_is_looked_at_before_it_is_shown(run, catalog, root, place, value):
    path = run / "result.json"
    result = json.loads(path.read_text())
    entry = result["results"][0]
    if place[0] == "metrics" and len(place) > 1:
        next(iter(entry["metrics"].values()))[place[1]] = value
    else:
        at = entry
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
    path.write_text(json.dumps(result))
    with pytest.raises(BenchError, match=r"result\.json: `results\[0\].*expected"):
        written(run, catalog, root)


@pytest.mark.parametrize("scores", ["[]", "{}", '{"protocols": []}', '{"protocols": {"standard": {"samples": [1]}}}', "{"])
def test_scores_of_another_form_cost_the_samples_and_not_the_page(run, catalog, root, scores):
    (run / "scores/flat.json").write_text(scores)
    _, tags = written(run, catalog, root)
    assert "No samples are shown" in tags.text


def test_a_report_is_never_written_over_a_file_of_the_run(run, catalog, root):
    from lamm_bench.cli.options import can_be_written

    assert "belongs to a run folder" in can_be_written(run / "manifest.json")
    assert can_be_written(run / "report.html") == "" == can_be_written(Path("/dev/null"))


@pytest.mark.parametrize(
    "status, share, value, expected",
    [
        ("ok", True, 1.0, "right"),
        ("ok", True, 0.0, "wrong"),
        ("ok", True, 0.5, "in part"),
        ("ok", False, 3.0, "read"),
        ("unread", True, 0.0, "unread"),
    ],
)
def test_green_is_for_what_is_right(status: str, share: bool, value: float, expected: str) -> None:
    shown = Shown(Sample("1", "?", (), "a", "g"), status, {"value": value}, "a", None, 0.0, (), None, (), (), share=share)
    word, tone = verdict(shown)
    assert word == expected and (tone == "good") == (expected == "right")


def test_a_card_says_what_was_read_and_what_stood_in_the_braces() -> None:
    parts = Sample("1", "Where is the {}?", (), [], "g", parts=("neck", "hip"))
    assert question(parts) == "Where is the ‹neck, hip›?"
    shown = Shown(
        Sample("1", "?", (), "a", "g"), "ok", {"value": 0, "predicted": ["cat"]}, "It may be a cat.", None, 0.0, (), None, (), ()
    )
    assert reading(shown) == "cat" and reading(replace(shown, answer="Cat ")) == ""
    boxes = {"value": 0, "predicted": 2, "boxes": [{"label": "dog", "bbox": [0, 0, 1, 1]}, {"label": None, "bbox": [0, 0, 1, 1]}]}
    assert reading(replace(shown, values=boxes)) == "dog [0.00, 0.00, 1.00, 1.00], without a class [0.00, 0.00, 1.00, 1.00]"


def test_places_in_a_models_own_numbers_are_drawn_where_they_are(mini_root: Path, tmp_path: Path) -> None:
    words = ("--model", "oracle", "--tasks", "voc2012", "--limit", "2", "--data-root", str(mini_root), "--output")
    drawn = []
    for number, more in enumerate(((), ("--recipe", "lamm/native", "--set", "coordinates=paligemma"))):
        run = tmp_path / str(number)
        assert lamm_bench("run", *words, run, *more).exit_code == 0
        assert lamm_bench("report", run, "--data-root", mini_root).exit_code == 0
        page = (run / "report.html").read_text()
        drawn.append(
            [
                [float(n) for n in found]
                for found in re.findall(r'<rect class="said" x="([^"]+)" y="([^"]+)" width="([^"]+)"', page)
            ]
        )
    assert drawn[0] and np.allclose(drawn[0], drawn[1], atol=1.0)
