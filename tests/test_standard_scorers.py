"""The `standard` protocol: what it counts, on cases worked out by hand (reference, Appendix H, the corrected column)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.measure import caption_scorer, scoring
from lamm_bench.measure.scoring import Answered
from lamm_bench.measure.stats import estimates
from lamm_bench.tasks import (
    captioning,
    classification,
    counting,
    detection,
    facial,
    keypoints,
    locating,
    ocr,
    scannet,
    scanrefer,
    vqa,
)
from lamm_bench.tasks.coco_ap import ClassMatches, average_precision, coco_sides, matches, weighted, whole_and_half
from lamm_bench.tasks.ocr import edit_distance
from lamm_bench.types import Answer, Media, Row, Sample


def sample(target: Any, name: str = "0", meta: dict[str, Any] | None = None, **own: Any) -> Sample:
    return Sample(name, "?", (Media("image", "/none.png"),), target, own.pop("group", name), meta=meta or {}, **own)


def values(task, pairs: list[tuple[Sample, Answer]]) -> dict[str, float | None]:
    """Every metric of answers given in order."""
    samples = [item for item, _ in pairs]
    result = scoring.score(task, "standard", samples, {item.id: Answered(text) for item, text in pairs}, references=False)
    return {name: estimate.value for name, estimate in result.metrics.items()}


CIFAR10, UCMERCED = classification.TASKS
SMILE, HAIR = facial.TASKS
VOC = detection.TASKS[0]
LOCATING_VOC, LOCATING_LSP, LOCATING_FSC = locating.TASKS
LABELS = {"labels": tuple(sorted(classification.CIFAR10.aliases))}


def test_several_classes_are_ambiguous_and_wrong():
    pairs = [(sample("cat", str(n), LABELS), text) for n, text in enumerate(["cat", "a cat or a dog", "kittens", "hm", "dog"])]
    found = values(CIFAR10, pairs)
    assert (found["accuracy"], found["ambiguous"]) == (40.0, 20.0)


def test_balanced_accuracy_is_the_mean_over_classes():
    pairs = [(sample("cat", str(n), LABELS), "cat") for n in range(8)]
    pairs += [(sample("dog", str(8 + n), LABELS), "cat") for n in range(2)]
    assert values(CIFAR10, pairs) == {"accuracy": 80.0, "balanced_accuracy": 50.0, "ambiguous": 0.0}


def test_neither_yes_nor_no_is_unread_not_smiling():
    samples = [sample("1", "a"), sample("-1", "b")]
    result = scoring.score(
        SMILE, "standard", samples, {"a": Answered("hello"), "b": Answered("She isn't smiling")}, references=False
    )
    assert result.counts["unread"] == 1 and result.metrics["accuracy"].value == 50.0
    assert result.metrics["accuracy"].bounds == (50.0, 100.0)


def test_hair_written_with_a_capital_is_the_same_colour():
    labels = {"labels": ("Black", "Gray", "black", "blond", "brown", "gray")}
    assert values(HAIR, [(sample("Gray", meta=labels), "grey hair")])["accuracy"] == 100.0


# ------------------------------------------------------------------------------------------------ detection

PETS = {"labels": ("cat", "dog")}


def pets(*objects: tuple[str, list[float]]) -> list[dict[str, Any]]:
    return [{"label": label, "bbox": box} for label, box in objects]


def test_one_box_hits_one_object_and_extra_boxes_cost_precision():
    target = pets(("cat", [0, 0, 0.5, 0.5]), ("cat", [0, 0, 0.5, 0.51]))
    found = values(VOC, [(sample(target, meta=PETS), "cat [0, 0, 0.5, 0.5]")])
    assert (found["precision@0.5"], found["recall@0.5"], round(found["F1@0.5"], 3)) == (100.0, 50.0, 66.667)
    spam = "; ".join(["cat [0, 0, 0.5, 0.5]"] * 8)
    assert values(VOC, [(sample(target, meta=PETS), spam)])["precision@0.5"] == 25.0


def test_the_class_must_stand_at_the_box():
    target = pets(("cat", [0, 0, 0.5, 0.5]))
    assert values(VOC, [(sample(target, meta=PETS), "a cat and a dog: dog [0, 0, 0.5, 0.5]")])["recall@0.25"] == 0.0
    assert values(VOC, [(sample(target, meta=PETS), "kitten [0, 0, 0.5, 0.5]")])["recall@0.25"] == 100.0


def test_the_threshold_itself_is_a_hit():
    target = pets(("cat", [0, 0, 1, 1]))
    found = values(VOC, [(sample(target, meta=PETS), "cat [0, 0, 0.5, 1]")])
    assert (found["recall@0.5"], found["recall@0.25"]) == (100.0, 100.0)


def test_nothing_there_is_an_answer_and_silence_is_not():
    target = pets(("cat", [0, 0, 1, 1]))
    samples = [sample(target, name, PETS) for name in "ab"]
    result = scoring.score(VOC, "standard", samples, {"a": Answered("No objects."), "b": Answered("I see fur")}, references=False)
    assert (result.counts["ok"], result.counts["unread"]) == (1, 1)
    assert result.metrics["F1@0.5"].value == 0.0


def test_boxes_of_rooms_are_matched_in_three_dimensions():
    task = scannet.TASKS[0]
    meta = {"labels": ("garbagebin", "showercurtrain", "curtain")}
    target = pets(("garbagebin", [0, 0, 0, 1, 1, 1]), ("showercurtrain", [5, 5, 1, 1, 1, 2]))
    found = values(task, [(sample(target, meta=meta), "trash can [0.5, 0, 0, 1, 1, 1]; curtain [5, 5, 1, 1, 1, 2]")])
    assert (found["recall@0.25"], found["recall@0.5"]) == (50.0, 0.0)


def test_only_the_first_box_grounds_a_description():
    task = scanrefer.TASKS[0]
    target = [0.0, 0, 0, 1, 1, 1]
    found = values(
        task, [(sample(target, "a"), "[0, 0, 0, 1, 1, 1]"), (sample(target, "b"), "[9, 9, 9, 1, 1, 1] [0, 0, 0, 1, 1, 1]")]
    )
    assert (found["acc@0.25"], found["acc@0.5"], found["mean_IoU"]) == (50.0, 50.0, 50.0)


# ------------------------------------------------------------------------------------------------ COCO AP


def rows_of(seed: int, images: int = 60) -> list[Row]:
    """Images with true boxes and shifted, relabelled, missing and invented predictions."""
    rng = np.random.default_rng(seed)
    rows = []
    scorer = VOC.protocols["standard"]
    for number in range(images):
        labels = [str(rng.choice(["cat", "dog", "sofa", "bus"])) for _ in range(rng.integers(1, 6))]
        corners = rng.random((len(labels), 2)) * 0.6
        boxes = np.concatenate([corners, corners + 0.1 + 0.3 * rng.random((len(labels), 2))], axis=1)
        target = pets(*zip(labels, boxes.tolist(), strict=True))
        said = [
            (label if rng.random() < 0.8 else "dog", box + rng.normal(0, 0.03, 4))
            for label, box in zip(labels, boxes, strict=True)
        ]
        said += [("cat", rng.random(4)) for _ in range(rng.integers(0, 3))]
        rng.shuffle(said)
        item = sample(target, str(number), {"labels": ("bus", "cat", "dog", "sofa")}, group=str(number // 2))
        text = "; ".join(f"{label} [{', '.join(f'{x:.4f}' for x in box)}]" for label, box in said)
        prediction = scorer.read(text, item) if rng.random() < 0.9 else None
        rows.append(Row(item, "ok", text, prediction, scorer.score(item, prediction)))
    return rows


def pycocotools_says(rows: list[Row]):
    """Their evaluation as a user would run it: all classes, areas and numbers of detections."""
    from pycocotools.cocoeval import COCOeval

    full = COCOeval(*coco_sides(rows, VOC.protocols["standard"].truth), iouType="bbox")
    full.evaluate()
    full.accumulate()
    return full


def in_file_order(rows: list[Row]) -> list[ClassMatches]:
    """pycocotools' matches, ties ranked as it ranks them."""
    return [found.ranked(np.arange(len(rows))) for found in matches(rows, VOC.protocols["standard"].truth)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ap_is_pycocotools_own_but_for_ties(seed):
    rows = rows_of(seed)
    full = pycocotools_says(rows)
    full.summarize()
    ap, half = whole_and_half(in_file_order(rows), np.ones((1, len(rows))))[:, 0]
    assert (100 * ap, 100 * half) == (pytest.approx(100 * full.stats[0], abs=1e-9), pytest.approx(100 * full.stats[1], abs=1e-9))
    found = average_precision(rows, VOC.protocols["standard"])
    assert found["AP"].value == pytest.approx(100 * ap, abs=2) and found["AP50"].value == pytest.approx(100 * half, abs=4)
    assert found["AP"].note == "emission order as confidence"


def test_ap_does_not_depend_on_the_order_of_the_file():
    rows = rows_of(6)
    found = average_precision(rows, VOC.protocols["standard"])
    for seed in range(3):
        mixed = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
        again = average_precision(mixed, VOC.protocols["standard"])
        for name in ("AP", "AP50"):
            assert again[name].value == pytest.approx(found[name].value, abs=1e-9)
            assert again[name].ci95 == pytest.approx(found[name].ci95, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_counting_with_unit_weights_is_what_pycocotools_counts(seed):
    rows = rows_of(seed)
    table = [weighted(found, np.ones((1, len(rows))))[0] for found in in_file_order(rows)]
    precision = pycocotools_says(rows).eval["precision"][:, :, :, 0, -1]  # [thresholds, recalls, classes]
    assert pytest.approx(precision.mean(axis=1), abs=1e-9) == np.array(table).T


def test_an_image_of_weight_two_counts_as_two_images():
    rows = rows_of(3, 20)
    weights = np.random.default_rng(0).integers(0, 4, size=(1, len(rows))).astype(float)
    copies = [
        replace(row, sample=replace(row.sample, id=f"{row.sample.id}/{n}"))
        for row, weight in zip(rows, weights[0], strict=True)
        for n in range(int(weight))
    ]
    expected = pycocotools_says(copies).eval["precision"][:, :, :, 0, -1].mean()
    table = [weighted(found, weights)[0] for found in in_file_order(rows)]
    assert np.nanmean(table) == pytest.approx(expected, abs=1e-9)


def test_the_interval_of_ap_holds_the_value_and_repeats():
    rows = rows_of(4)
    first, second = (average_precision(rows, VOC.protocols["standard"]) for _ in range(2))
    assert first == second
    low, high = first["AP"].ci95  # type: ignore[misc]
    assert low < first["AP"].value < high
    assert first["AP"].clusters == 30


def test_pycocotools_says_nothing_on_the_console(capsys):
    average_precision(rows_of(5, 5), VOC.protocols["standard"])
    assert capsys.readouterr().out == ""


def test_ap_of_answers_without_any_box_is_zero():
    target = pets(("cat", [0, 0, 1, 1]))
    found = values(VOC, [(sample(target, name, PETS), "fur") for name in "ab"])
    assert (found["AP"], found["AP50"]) == (0.0, 0.0)


def test_the_first_box_ranks_above_every_second_one():
    target = pets(("cat", [0, 0, 0.5, 0.5]))
    wrong_last = [(sample(target, name, PETS), "cat [0, 0, 0.5, 0.5]; cat [0.9, 0.9, 1, 1]") for name in "ab"]
    wrong_first = [(sample(target, name, PETS), "cat [0.9, 0.9, 1, 1]; cat [0, 0, 0.5, 0.5]") for name in "ab"]
    assert values(VOC, wrong_last)["AP"] == pytest.approx(100.0)
    assert values(VOC, wrong_first)["AP"] == pytest.approx(50.0)


# ------------------------------------------------------------------------------------------------ places


def test_a_box_counts_as_its_centre():
    target = pets(("cat", [0.4, 0.4, 0.6, 0.6]))
    assert values(LOCATING_VOC, [(sample(target, meta=PETS), "cat [0, 0, 1, 1]")])["hit_rate"] == 100.0
    assert values(LOCATING_VOC, [(sample(target, meta=PETS), "cat [0, 0]; cat [1, 1]")])["hit_rate"] == 0.0
    assert values(LOCATING_VOC, [(sample(target, meta=PETS), "dog [0.5, 0.5]")])["hit_rate"] == 0.0


def test_hit_rate_lets_one_point_serve_two_objects_and_matched_rate_does_not():
    target = pets(("cat", [0.4, 0.4, 0.6, 0.6]), ("cat", [0.3, 0.3, 0.7, 0.7]))
    found = values(LOCATING_VOC, [(sample(target, meta=PETS), "cat [0.5, 0.5]")])
    assert (found["hit_rate"], found["matched_rate"]) == (100.0, 50.0)


def test_a_person_is_hit_inside_the_tight_box_by_the_first_point():
    joints = [[20.0, 40.0], *[[60.0, 90.0]] * 13]
    meta = {"size": (100, 100)}
    for text, value in (("[0.3, 0.5]", 100.0), ("[0.3, 0.3]", 0.0), ("[0.1, 0.1] [0.3, 0.5]", 0.0), ("[0.2, 0.4]", 100.0)):
        assert values(LOCATING_LSP, [(sample(joints, meta=meta), text)])["hit_rate"] == value


def test_only_images_with_few_things_are_in_the_headline():
    few = sample([[10.0, 10.0]] * 9, "few", {"size": (100, 100)})
    many = sample([[90.0, 90.0]] * 10, "many", {"size": (100, 100)})
    found = values(LOCATING_FSC, [(few, "[0.15, 0.1]"), (many, "[0.1, 0.1]")])
    assert found["hit_rate"] == 100.0
    assert found["hit_rate_all"] == pytest.approx(100 * 9 / 19)
    assert found["matched_rate"] == pytest.approx(100 / 9)


def pose(size: tuple[int, int] = (100, 200)) -> Sample:
    joints = [[50.0, 100.0]] * 14
    joints[9], joints[2] = [50.0, 60.0], [50.0, 110.0]  # left shoulder, right hip: a torso of 50 pixels
    return sample([*joints], meta={"size": size}, parts=keypoints.JOINTS)


def test_pck_is_measured_in_fractions_of_the_image_and_in_torsos():
    task = keypoints.TASKS[0]
    item = pose()
    right = {part: task.oracle(item, part) for part in item.parts}
    near = {**right, "neck": "[0.59, 0.5]"}  # 0.09 of the width, 9 pixels: inside both
    far = {**right, "neck": "[0.5, 0.56]"}  # 0.06 of the height, but 12 pixels of 50
    lost = {**right, "neck": "somewhere"}
    for answer, image, torso in ((right, 14, 14), (near, 14, 14), (far, 14, 13), (lost, 13, 13)):
        found = values(task, [(item, answer)])
        assert found["PCK@0.1"] == pytest.approx(100 * image / 14)
        assert found["PCK@0.2_torso"] == pytest.approx(100 * torso / 14)
    assert values(task, [(item, lost)])["PCK@0.1/neck"] == 0.0


@pytest.mark.parametrize(("neck", "image", "torso"), [("[0.09, 0.0]", 14, 14), ("[0.1, 0.0]", 13, 14), ("[0.11, 0.0]", 13, 13)])
def test_a_tenth_of_the_image_is_a_miss_and_a_fifth_of_the_torso_is_a_hit(neck: str, image: int, torso: int):
    task, item = keypoints.TASKS[0], pose((100, 100))
    joints = [*item.target]
    joints[keypoints.JOINTS.index("neck")] = [0.0, 0.0]
    item = replace(item, target=joints)
    found = values(task, [(item, {**{part: task.oracle(item, part) for part in item.parts}, "neck": neck})])
    assert (found["PCK@0.1"], found["PCK@0.2_torso"]) == (pytest.approx(100 * image / 14), pytest.approx(100 * torso / 14))


def test_joints_are_joined_by_name():
    task = keypoints.TASKS[0]
    item = pose()
    answer = {part: task.oracle(item, part) for part in reversed(item.parts)}
    assert values(task, [(item, answer)])["PCK@0.1"] == 100.0


# ------------------------------------------------------------------------------------------------ numbers, words, choices


def test_counting_errors_are_not_clipped_and_unread_is_an_error_of_all():
    task = counting.TASKS[0]
    pairs = [(sample(10, "a"), "13"), (sample(10, "b"), "eleven"), (sample(4, "c"), "hm"), (sample(2, "d"), "22")]
    found = values(task, pairs)
    assert found["MAE"] == (3 + 1 + 4 + 20) / 4
    assert found["RMSE"] == pytest.approx(((9 + 1 + 16 + 400) / 4) ** 0.5)
    assert (found["exact"], found["within_10%"]) == (0.0, 25.0)


def test_a_digit_repeated_to_the_last_token_is_no_count():
    task = counting.TASKS[0]
    read = [task.protocols["standard"].read(text, sample(9)) for text in ("999999999", "1000000000", "1" * 64, "1" * 400)]
    assert read == [999999999, None, None, None]
    assert values(task, [(sample(9), "1" * 64)])["MAE"] == 9.0


def test_silence_about_no_things_is_not_exact():
    assert values(counting.TASKS[0], [(sample(0), "hm")])["exact"] == 0.0


def test_words_are_multisets_without_marks_and_case():
    task = ocr.TASKS[0]
    found = values(task, [(sample(["Main", "Books", "Main", "CO."]), "main, CO! extra")])
    assert (found["word_recall"], round(found["word_precision"], 3)) == (50.0, 66.667)
    assert found["CER"] == pytest.approx(100 * edit_distance("main books main co", "main co extra") / 18)


def test_quoted_words_are_the_answer():
    found = values(ocr.TASKS[0], [(sample(["HOTEL", "BAR"]), 'The sign says "Hotel" and “BAR”.')])
    assert (found["word_recall"], found["word_precision"], found["CER"]) == (100.0, 100.0, 0.0)


@given(st.text(max_size=12), st.text(max_size=12))
def test_edit_distance_is_the_textbooks(first, second):
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        above, row[0] = row[:], i
        for j, b in enumerate(second, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
    assert edit_distance(first, second) == row[-1]


def test_letters_go_as_far_as_the_options():
    task = vqa.TASKS[2]
    item = sample(5, choices=("1", "2", "3", "4", "5", "6"))
    assert values(task, [(item, "The answer is (F)")])["accuracy"] == 100.0
    assert values(task, [(item, "6")])["accuracy"] == 100.0
    assert values(task, [(sample(1, choices=("1", "2")), "(F)")])["accuracy"] == 0.0


def test_captions_are_scored_against_all_sentences(monkeypatch):
    monkeypatch.setattr(caption_scorer, "meteor_absent", lambda: "METEOR is absent: no Java")
    target = ["A dog runs over the green grass.", "A brown dog on a lawn."]
    pairs = [(sample(target, "a"), "a dog runs over the green grass"), (sample(target, "b"), "")]
    samples = [item for item, _ in pairs]
    result = scoring.score(captioning.TASKS[0], "standard", samples, {i.id: Answered(t) for i, t in pairs}, references=False)
    found = {name: estimate.value for name, estimate in result.metrics.items()}
    assert list(found) == ["BLEU-4", "BLEU-3", "BLEU-2", "BLEU-1", "ROUGE-L", "CIDEr", "METEOR"]
    assert result.counts["unread"] == 1
    assert found["ROUGE-L"] == pytest.approx(50.0)
    assert found["BLEU-1"] < 100  # what was not said makes the text too short
    assert found["METEOR"] is None and "no Java" in result.metrics["METEOR"].note


def test_metrics_say_what_they_count():
    target = pets(("cat", [0, 0, 0.5, 0.5]), ("dog", [0, 0, 1, 1]))
    item = sample(target, meta=PETS)
    scorer = VOC.protocols["standard"]
    prediction = scorer.read("cat [0, 0, 0.5, 0.5]", item)
    found = estimates(scorer.metrics, [Row(item, "ok", "", prediction, scorer.score(item, prediction))])
    assert (found["recall@0.5"].n, found["precision@0.5"].n) == (2, 1)
    assert scorer.show(item, prediction, scorer.score(item, prediction))["value"] == 0.5
