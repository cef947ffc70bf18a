"""Readers and metrics of benchmark files, on figures worked out by hand and against second implementations."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.instruction import opening
from lamm_bench.declared.metrics import MEASURES, pairs_of
from lamm_bench.declared.readers import READERS
from lamm_bench.errors import BenchError
from lamm_bench.measure import caption_scorer, texts
from lamm_bench.measure.geometry import iou_2d
from lamm_bench.types import Media, Sample

from .declared_kit import declared, scored, write_jsonl, write_pictures

TASK = """
name: made
data: {files: q.jsonl}
sample:
  question: "{question?|default:What?}%s"
  target: "{answer}"
%sread: %s
metric: %s
"""


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR starts a Java program; its own test runs it."""
    monkeypatch.setattr(caption_scorer, "meteor_absent", lambda: "METEOR is absent: this is a test")


def made(tmp_path: Path, rows: list[dict[str, Any]], read: str, metric: str, more: str = "") -> Any:
    """A task over rows, and its samples."""
    write_jsonl(tmp_path / "q.jsonl", rows)
    listed = "\\n{@options}" if "choices" in more else ""
    task = declared(TASK % (listed, "".join(f"  {line}\n" for line in more.splitlines()), read, metric), tmp_path)
    return task, task.samples(tmp_path)


def figures(task: Any, samples: list[Sample], answers: list[str]) -> dict[str, float | None]:
    found = scored(task, samples, {sample.id: text for sample, text in zip(samples, answers)})
    return {name: each.value if each.value is None else round(each.value, 4) for name, each in found.metrics.items()}


def test_balanced_accuracy_is_the_mean_recall(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": "yes"}] * 3 + [{"answer": "no"}], "yes_no", "balanced")
    assert figures(task, samples, ["Yes", "yes", "no", "no."]) == {
        "balanced_accuracy": round(100 * (2 / 3 + 1) / 2, 4),
        "accuracy": 75.0,
    }
    assert figures(task, samples, ["Yes"] * 4)["balanced_accuracy"] == 50.0


def test_detection_is_popes(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": word} for word in ("yes", "yes", "no", "no")], "yes_no", "detection")
    found = figures(task, samples, ["yes", "no", "yes", "I cannot say"])
    assert found == {"accuracy": 25.0, "F1": 50.0, "precision": 50.0, "recall": 50.0, "yes_ratio": 50.0}


def test_exact_matches_are_told_apart(tmp_path: Path) -> None:
    rows = [{"answer": ["on the left", "left"]}, {"answer": "2"}, {"answer": "brown"}, {"answer": "yes"}]
    task, samples = made(tmp_path, rows, "text", "exact")
    assert figures(task, samples, ["Left.", "two", "dark brown", "no"]) == {"EM": 25.0, "EM-R": 75.0}


LEO = [  # answers as LEO's evaluator takes them, worked out by its rule: cleaned, equal or one within the other without blanks
    ("the chair", ["chair"], True),
    ("3 chairs", ["three"], True),
    ("to your letf", ["left"], True),
    ("a brown table.", ["table"], True),
    ("none", ["0"], True),
    ("6 o'clock", ["6 oclock"], True),
    ("right", ["left"], False),
    ("backwards", ["backward"], True),
    ("armchair", ["chair"], True),
    ("white board", ["whiteboard"], True),
]


@pytest.mark.parametrize(("said", "truths", "right"), LEO)
def test_the_refined_match_is_leos(said: str, truths: list[str], right: bool) -> None:
    assert texts.exact_refined(said, truths) is right


def test_containment_with_and_without_blanks(tmp_path: Path) -> None:
    rows = [{"answer": ["Hotel Bar"], "set": "svt"}, {"answer": [r"\frac { 1 } { 2 }"], "set": "HME100k"}]
    task, samples = made(tmp_path, rows, "whole", "{name: contains, blanks: {set: HME100k}}", 'meta: {set: "{set}"}')
    assert figures(task, samples, ["It says HOTEL\nBAR", r"It is \frac{1}{2}."]) == {"accuracy": 100.0}
    assert figures(task, samples, ["It says HOTELBAR", r"\frac{2}{1}"]) == {"accuracy": 0.0}


def slow_distance(a: str, b: str) -> int:
    """Wagner and Fischer 1974."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = next_row(row, i, x, b)
    return row[-1]


def next_row(row: list[int], i: int, x: str, b: str) -> list[int]:
    found = [i]
    for j, y in enumerate(b, 1):
        found.append(min(found[-1] + 1, row[j] + 1, row[j - 1] + (x != y)))
    return found


@given(st.text(alphabet="abC 1", max_size=8), st.lists(st.text(alphabet="abc 1", min_size=1, max_size=8), min_size=1, max_size=3))
def test_anls_is_its_formula(said: str, truths: list[str]) -> None:
    def similarity(one: str, other: str) -> float:
        one, other = " ".join(one.lower().split()), " ".join(other.lower().split())
        longest = max(len(one), len(other))
        return 1 - slow_distance(one, other) / longest if longest else 1.0

    best = max(similarity(said, truth) for truth in truths)
    assert texts.anls(said, truths) == pytest.approx(best if best >= 0.5 else 0.0)


def test_anls_is_a_mean_with_unread_answers_at_zero(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": ["hotel"]}] * 4, "text", "anls")
    assert figures(task, samples, ["hotel", "hotal", "inn", ""]) == {"ANLS": 45.0, "exact": 25.0}


@pytest.mark.parametrize(
    ("said", "truth", "right"),
    [
        ("105", "100", True), ("105.1", "100", False), ("95", "100", True), ("-95", "-100", True), ("5%", "0.05", True), ("0", "0", True),
        ("0.01", "0", False), ("Yes", "yes", True), ("2,000", "2000", True), ("blue", "dark blue", False), ("10.", "10", True),
    ],
)  # fmt: skip
def test_relaxed_accuracy(said: str, truth: str, right: bool) -> None:
    assert texts.relaxed(said, [truth]) is right


@given(st.lists(st.sampled_from("abc"), min_size=10, max_size=10), st.sampled_from("abcd"))
def test_vqa_accuracy_is_the_mean_over_nine_people_at_a_time(people: list[str], said: str) -> None:
    people = [{"a": "red", "b": "Blue", "c": "three"}[one] for one in people]
    own = {"a": "Red.", "b": "the blue", "c": "3", "d": "x"}[said]
    wanted = {"a": "red", "b": "Blue", "c": "three", "d": ""}[said]
    others = [min(1, sum(one == wanted for one in nine) / 3) for nine in itertools.combinations(people, 9)]
    assert texts.vqa_accuracy(own, people) == pytest.approx(sum(others) / 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a dog!", "it's dog"), ("isnt", "isn't"), ("$5.50", "$5.50"), ("12,500", "12500"), ("a/b", "b"), ("St. Louis", "st louis"),
        ("yes, it is", "yes it is"), ("none", "0"), ("well-known", "well known"), ("6:00 pm", "6:00 pm"),
    ],
)  # fmt: skip
def test_texts_as_the_vqa_evaluation_compares_them(text: str, words: str) -> None:
    assert texts.vqa_words(text) == words


def test_mean_relative_accuracy(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": 10}] * 4, "number", "mra")
    # errors of 0, 10, 30 and 60 %: all ten levels, those below 0.9 (eight), below 0.7 (four), none
    assert figures(task, samples, ["10", "9 m", "13.0 meters", "4"])["MRA"] == pytest.approx(100 * (1 + 0.8 + 0.4) / 4)


def test_errors_of_numbers(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": value} for value in (10, 20, "1,000", 3)], "number", "error")
    found = figures(task, samples, ["11", "twenty", "1000", "no idea"])
    assert found == {"MAE": 1.0, "RMSE": round(10**0.5 / 2, 4), "exact": 50.0, "within_10%": 75.0}
    assert task.majority(samples) == "10"


BOX = 'form: xywh\nscale: pixels\nimage: "{image}"\nfolder: images\nthing: "{thing?}"'


def test_boxes_in_pixels_become_fractions(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 2)  # of 8 x 6
    rows = [{"answer": [2, 0, 4, 3], "image": "0.png", "thing": "a dog"}, {"answer": [0, 0, 8, 6], "image": "1.png"}]
    task, samples = made(tmp_path, rows, "box", "{name: iou, at: [0.5, 0.9]}", BOX)
    assert samples[0].target == [0.25, 0.0, 0.75, 0.5] and samples[0].meta["size"] == (8, 6)
    found = figures(task, samples, ["[0.25, 0, 0.75, 0.5]", "[0, 0, 1, 0.5]"])
    assert found == {"acc@0.5": 100.0, "acc@0.9": 50.0, "mean_IoU": 75.0}
    assert task.places(samples[0]) == ("boxes", ("a dog",)) and task.asks_for == "boxes"
    rows[0]["answer"] = [2, 0, 40, 3]
    with pytest.raises(BenchError, match="q.jsonl line 1: its target is .* expected a box within the picture, as xywh in pixels"):
        made(tmp_path, rows, "box", "iou", BOX)


def test_a_picture_that_does_not_open_costs_its_own_box(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 2)
    (tmp_path / "images/0.png").write_bytes(b"none")
    rows = [{"answer": [2, 0, 4, 3], "image": f"{n}.png", "thing": "x"} for n in (0, 1)]
    task, samples = made(tmp_path, rows, "box", "iou", BOX)
    found = scored(task, samples)
    assert found.counts["media_error"] == 1 and found.headline[1].value == 100.0


def test_f1_of_boxes_has_its_rule_for_nothing(tmp_path: Path) -> None:
    one, two = [0, 0, 0, 2, 2, 2], [5, 5, 0, 2, 2, 2]
    rows = [{"answer": [one, two]}, {"answer": []}, {"answer": []}, {"answer": [one]}]
    write_pictures(tmp_path, 1)
    np.save(tmp_path / "room.npy", np.zeros((4, 6), np.float32))
    task, samples = made(tmp_path, rows, "boxes", "{name: f1_boxes, at: [0.25, 0.5]}", 'cloud: "room.npy"\nform: centre')
    answers = ["[0, 0, 0, 2, 2, 2]; [9, 9, 9, 1, 1, 1]", "There is no such object.", "[0, 0, 0, 1, 1, 1]", "[0, 0, 1, 2, 2, 2]"]
    found = figures(task, samples, answers)
    assert found == {"F1@0.25": round(100 * (0.5 + 1 + 0 + 1) / 4, 4), "F1@0.5": round(100 * (0.5 + 1 + 0 + 0) / 4, 4)}
    assert scored(task, samples).headline[1].value == 100.0
    assert task.kind == "grounding3d" and task.modality == "point_cloud"


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_boxes_are_paired_for_most_overlap(seed: int, first: int, second: int) -> None:
    rng = Random(seed)
    boxes = [[rng.random(), rng.random(), 1 + rng.random(), 1 + rng.random()] for _ in range(first + second)]
    truth, said = boxes[:first], boxes[first:]
    table = iou_2d(truth, said) if first <= second else iou_2d(said, truth)
    best = max(
        sum(table[row, column] for row, column in enumerate(order))
        for order in itertools.permutations(range(table.shape[1]), table.shape[0])
    )
    assert sum(pairs_of(truth, said)) == pytest.approx(best)


def test_points_in_boxes(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": [10, 10, 50, 50]}] * 3, "point", "inside", "scale: percent")
    assert figures(task, samples, ["[0.2, 0.5]", "[0.6, 0.2]", "in the middle"]) == {"hit_rate": 33.3333}


def test_captions_are_counted_as_everywhere(tmp_path: Path) -> None:
    rows = [{"answer": ["a dog runs on the grass", "a dog is running"]}, {"answer": ["two cats sleep on a bed"]}]
    task, samples = made(tmp_path, rows, "caption", "captions")
    found = figures(task, samples, ["A dog runs on the grass.", "Two cats sleep on a bed."])
    assert found["BLEU-4"] == 100.0 and found["ROUGE-L"] == 100.0 and found["CIDEr"] is not None and "METEOR" in found


def test_words_found_and_invented(tmp_path: Path) -> None:
    task, samples = made(tmp_path, [{"answer": ["HOTEL", "BAR"]}], "words", "word_f1")
    assert figures(task, samples, ["hotel open"]) == {"word_F1": 50.0, "word_recall": 50.0, "word_precision": 50.0}


GROUPED = 'choices: ["x", "y"]\nmeta: {topic: "{topic}", pair: "{pair}", round: "{round?}"}'


def grouped(number: int) -> dict[str, Any]:
    return {"answer": "AB"[number % 2], "topic": "ab"[number // 4], "pair": number // 2, "round": "all" if number < 4 else None}


def test_categories_and_groups(tmp_path: Path) -> None:
    metric = "{name: accuracy, by: topic, together: {pairs: pair, rounds: round}}"
    task, samples = made(tmp_path, [grouped(number) for number in range(8)], "letter", metric, GROUPED)
    found = figures(task, samples, ["A", "B", "A", "A", "A", "B", "B", "A"])
    assert found == {"accuracy": 62.5, "accuracy/a": 75.0, "accuracy/b": 50.0, "pairs": 50.0, "rounds": 0.0}


def test_a_group_of_which_samples_were_not_asked_is_left_out(tmp_path: Path) -> None:
    from lamm_bench.measure.scoring import Answered, score

    task, samples = made(
        tmp_path, [grouped(number) for number in range(8)], "letter", "{name: accuracy, together: pair}", GROUPED
    )
    some = samples[:3]
    found = score(task, "standard", some, {s.id: Answered("A") for s in some}, references=False, file=samples).metrics[
        "consistency"
    ]
    assert (
        found.n == 1
        and found.value == 0.0
        and found.note == "groups all right; 1 of 2 groups left out: not all of their answers are there"
    )


def test_a_mean_of_means(tmp_path: Path) -> None:
    rows = [{"answer": "A", "dim": "2D", "source": "x"}] * 3 + [
        {"answer": "A", "dim": "2D", "source": "y"},
        {"answer": "A", "dim": "3D", "source": "z"},
    ]
    more = 'choices: ["x", "y"]\nmeta: {dim: "{dim}", source: "{source}"}'
    task, samples = made(tmp_path, rows, "letter", "{name: accuracy, macro: [dim, source]}", more)
    found = scored(task, samples, {s.id: text for s, text in zip(samples, "AABBA")})
    assert found.headline[0] == "macro_accuracy"
    assert found.headline[1].value == pytest.approx(100 * ((2 / 3 + 0) / 2 + 1) / 2)
    assert found.metrics["accuracy"].value == pytest.approx(60.0)


def test_readers_by_column(tmp_path: Path) -> None:
    rows = [
        {"answer": "B", "type": "closed", "options": "['x', 'y']"},
        {"answer": ["3.5", "7/2"], "type": "open", "options": "[]"},
    ]
    read = '{column: "{type}", values: {closed: letter, open: text}}'
    task, samples = made(tmp_path, rows, read, "accuracy", 'choices: "{options|pylist}"')
    assert [s.choices for s in samples] == [("x", "y"), ()] and not task.suits
    assert figures(task, samples, ["y", "The answer is 3.50"]) == {"accuracy": 100.0}
    rows[0]["type"] = "half open"
    with pytest.raises(BenchError, match='{type} is "half open", for which `read.values` names no reader'):
        made(tmp_path, rows, read, "accuracy", 'choices: "{options|pylist}"')


def test_media_stand_behind_their_marks(tmp_path: Path) -> None:
    rows = [
        {"question": "See <image 2>. Is it <image 1>?", "answer": "yes", "image_1": "1.png", "image_2": "2.png", "image_3": None}
    ]
    task, samples = made(tmp_path, rows, "yes_no", "accuracy", 'image: "{image_*}"\ninterleave: "<image {n}>"')
    parts = opening(samples[0], "", "", "{question}").messages[-1].parts
    told = [Path(part.path).name if isinstance(part, Media) else part for part in parts]
    assert told == ["See <image 2>", "2.png", ". Is it <image 1>", "1.png", "?"]
    rows[0]["question"] = "Is it?"
    _, samples = made(tmp_path, rows, "yes_no", "accuracy", 'image: "{image_*}"\ninterleave: "<image {n}>"')
    assert isinstance(opening(samples[0], "", "", "{question}").messages[-1].parts[1], Media)


def test_every_metric_has_a_reader_and_every_reader_a_metric() -> None:
    assert {name for own in MEASURES.values() for name in own.readers} == set(READERS)


@pytest.mark.parametrize("name", READERS)
def test_no_reader_reads_silence_and_none_sees_the_truth(name: str) -> None:
    targets = {
        "choice": [0, 1],
        "yes_no": [0, 1],
        "number": [1.0, 2.0],
        "texts": [["a"], ["b"]],
        "box": [[0, 0, 1, 1], [0.1, 0.1, 0.2, 0.2]],
        "boxes": [[], [[0, 0, 1, 1]]],
    }
    pair = [Sample("1", "?", (), target, "g", ("x", "y")) for target in targets[READERS[name].target]]
    for text in ("", "   ", "<think>a"):
        assert READERS[name].read(text, pair[0]) is None
    for text in ("A", "yes", "3", "[0, 0, 1, 1]", "none", "a dog runs", "The answer is (B)."):
        assert READERS[name].read(text, pair[0]) == READERS[name].read(text, pair[1])
