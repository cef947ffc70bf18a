"""Faces, people, land, signs and diagrams of the miniature."""

from __future__ import annotations

import io
import re
from collections import Counter
from random import Random

import numpy as np
import pytest
from PIL import Image

from lamm_bench.data.mini import aerial, diagrams, faces, people, signs
from lamm_bench.data.mini.drawn import Drawn, Split, Subject
from lamm_bench.data.mini.font import GLYPHS, mask
from lamm_bench.data.mini.pictograms import PICTOGRAMS
from lamm_bench.data.mini.vocabulary import HELD_OUT, SEEN

ALL = [module.SUBJECTS[0] for module in (faces, people, aerial, signs, diagrams)]
each = pytest.mark.parametrize("subject", ALL, ids=[subject.name for subject in ALL])


def draw(subject: Subject, index: int, split: Split, seed: str = "law") -> Drawn:
    return subject.draw(Random(f"{seed}/{index}"), index, split)


def items(subject: Subject, count: int, split: Split = "test") -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for index in range(count):
        for stem, entries in draw(subject, index, split).items.items():
            found.setdefault(stem, []).extend(entries)
    return found


def turns(subject: Subject, count: int) -> list[tuple[str, str, str]]:
    """(task type, human, model) of every turn of the first training drawings."""
    found = []
    for index in range(count):
        for dialogue in draw(subject, index, "train").dialogues:
            said = [turn["value"] for turn in dialogue["conversations"]]
            assert [turn["from"] for turn in dialogue["conversations"]] == ["human", "gpt"] * (len(said) // 2)
            found += [(dialogue["task_type"], *pair) for pair in zip(said[::2], said[1::2])]
    return found


def picture(drawn: Drawn) -> Image.Image:
    (data,) = drawn.media.values()
    return Image.open(io.BytesIO(data))


@each
def test_the_same_random_stream_gives_the_same_bytes_and_items(subject):
    for index in range(4):
        for split in ("test", "train"):
            assert draw(subject, index, split) == draw(subject, index, split)


@each
def test_another_stream_gives_another_picture(subject):
    one, two = draw(subject, 0, "test", "one"), draw(subject, 0, "test", "two")
    assert list(one.media.values()) != list(two.media.values())


@each
def test_pictures_are_small_and_items_and_dialogues_name_them(subject):
    for index in range(24):
        for split in ("test", "val", "train"):
            drawn = draw(subject, index, split)
            image = picture(drawn)
            assert image.mode == "RGB" and min(image.size) >= 55 and max(image.size) <= 170
            paths = {entry["image"] for entries in drawn.items.values() for entry in entries}
            paths |= {dialogue["image"] for dialogue in drawn.dialogues}
            assert paths == set(drawn.media)
            assert bool(drawn.dialogues) == (split == "train") and bool(drawn.items) == (split != "train")


@each
def test_the_benchmark_asks_in_words_that_training_has_heard(subject):
    def ask(text: str) -> str:
        text = text.split(" Options:")[0]
        for name in sorted({*people.JOINTS, *PICTOGRAMS}, key=len, reverse=True):
            text = text.replace(f"the {name}", "the {}")
        return re.sub(r"label [A-Z]\?", "label {}?", text)

    heard = Counter(ask(human) for _, human, _ in turns(subject, 60))
    for entries in items(subject, 60).values():
        for entry in entries:
            assert heard[ask(entry["query"])], entry["query"]
            assert len(entry["query"].split(" Options:")[0].split()) < 25


@each
def test_every_training_picture_is_described_once(subject):
    for index in range(10):
        assert [d["task_type"] for d in draw(subject, index, "train").dialogues].count("description") == 1


def test_smile_and_hair_are_balanced_and_independent():
    found = items(faces.SUBJECTS[0], 80)
    smiles = [entry["attr"] for entry in found["Facial_Classification_CelebA(Smile)"]]
    hair = [entry["attr"] for entry in found["Facial_Classification_CelebA(Hair)"]]
    assert Counter(zip(smiles, hair)) == {(smile, word): 10 for smile in ("1", "-1") for word in faces.HAIR}


def test_what_training_says_of_a_face_is_what_the_benchmark_holds():
    for index in range(16):
        held = draw(faces.SUBJECTS[0], index, "test").items
        (smile,), (hair,) = held["Facial_Classification_CelebA(Smile)"], held["Facial_Classification_CelebA(Hair)"]
        first, described = draw(faces.SUBJECTS[0], index, "train").dialogues
        said = {turn["value"] for turn in first["conversations"] if turn["from"] == "gpt"}
        assert said == {"yes" if smile["attr"] == "1" else "no", hair["attr"]}
        assert f" {hair['attr']} " in described["conversations"][1]["value"]


def test_the_joints_lie_inside_the_picture_and_the_hip_inside_the_person():
    for index in range(60):
        drawn = draw(people.SUBJECTS[0], index, "test")
        width, height = picture(drawn).size
        joints = np.array(drawn.items["Keypoints_Detection_LSP"][0]["gt_joints"])
        assert joints.shape == (14, 3)
        assert (joints[:, :2] > 0).all() and (joints[:, 0] < width).all() and (joints[:, 1] < height).all()
        assert "{}" in drawn.items["Keypoints_Detection_LSP"][0]["query"]
        hip = (joints[2, :2] + joints[3, :2]) / 2
        assert (hip > joints[:, :2].min(axis=0)).all() and (hip < joints[:, :2].max(axis=0)).all()


def test_training_points_at_the_joints_that_the_benchmark_holds():
    for index in range(10):
        held = draw(people.SUBJECTS[0], index, "test")
        joints = np.array(held.items["Keypoints_Detection_LSP"][0]["gt_joints"])[:, :2] / picture(held).size
        drawn = draw(people.SUBJECTS[0], index, "train")
        asked = {}
        for dialogue in drawn.dialogues:
            if dialogue["task_type"] == "keypoint_detection":
                said = [turn["value"] for turn in dialogue["conversations"]]
                for human, model in zip(said[::2], said[1::2]):
                    (name,) = (joint for joint in people.JOINTS if joint in human)
                    assert re.fullmatch(r"\[\d\.\d\d, \d\.\d\d\]", model)
                    asked[name] = [float(number) for number in model[1:-1].split(", ")]
        assert np.abs(np.array([asked[name] for name in people.JOINTS]) - joints).max() < 0.006


def test_right_limbs_are_warm_and_left_limbs_cool():
    right_side = Counter()
    for index in range(60):
        drawn = draw(people.SUBJECTS[0], index, "test")
        pixels = np.asarray(picture(drawn)).astype(int)
        at = dict(zip(people.JOINTS, np.array(drawn.items["Keypoints_Detection_LSP"][0]["gt_joints"])[:, :2]))
        for side, sign in (("right", 1), ("left", -1)):
            x, y = at[f"{side} knee"] * 0.4 + at[f"{side} ankle"] * 0.6
            red, _, blue = pixels[int(y), int(x)]
            right_side[(red - blue) * sign > 40] += 1
    assert right_side[True] > 0.9 * right_side.total()  # the rest is hidden behind the other leg


def test_each_land_use_class_comes_equally_often_under_its_official_name():
    labels = [entry["label"] for entry in items(aerial.SUBJECTS[0], 42)["Fine-grained_Classification_UCMerced"]]
    assert Counter(labels) == dict.fromkeys(aerial.LAND, 2) and len(aerial.LAND) == 21
    assert all(count % 21 == 0 for count in aerial.SUBJECTS[0].counts.values())


def test_held_out_words_are_never_in_training():
    said = {word for kind, _, answer in turns(signs.SUBJECTS[0], 800) if kind == "ocr" for word in answer.split()}
    assert not said & set(HELD_OUT) and not set(SEEN) & set(HELD_OUT)
    assert len(said & set(SEEN)) > 200 and len(said - set(SEEN)) > 200


def test_half_of_the_test_words_are_held_out_and_all_are_short_capitals():
    words = [word for entry in items(signs.SUBJECTS[0], 120)["OCR_SVT"] for word in entry["word_list"]]
    assert 0.35 < sum(word in HELD_OUT for word in words) / len(words) < 0.65
    assert all(re.fullmatch("[A-Z]{3,6}", word) and word in SEEN + HELD_OUT for word in words)
    lists = [entry["word_list"] for entry in items(signs.SUBJECTS[0], 60)["OCR_SVT"]]
    assert {len(words) for words in lists} == {1, 2} and all(len(set(words)) == len(words) for words in lists)


def test_no_two_letters_look_alike():
    letters = sorted(GLYPHS)
    assert len(letters) == 26
    for one in letters:
        for two in letters:
            assert one == two or (GLYPHS[one] != GLYPHS[two]).sum() >= 3, (one, two)


@pytest.mark.parametrize("smooth", [False, True])
def test_a_written_word_can_be_read_back(smooth):
    for word in HELD_OUT:
        cells = np.asarray(mask(word, 12 * (6 * len(word) - 1), 84, smooth=smooth)) > 127
        columns = cells.reshape(7, 12, -1, 12).mean(axis=(1, 3)) > 0.5
        read = ""
        for start in range(0, columns.shape[1], 6):
            seen = columns[:, start : start + 5]
            read += min(GLYPHS, key=lambda letter: int((GLYPHS[letter] != seen).sum()))
        assert read == word


def holds(diagram: diagrams.Diagram, question: str, option: str) -> bool:
    """Whether the option answers the question: told from the diagram alone, by other means than the drawer's."""
    letter = dict(zip(diagram.things, diagram.letters))
    follows = {diagram.things[a]: diagram.things[b] for a, b in diagram.arrows}
    if match := re.fullmatch(r"Which thing has the label ([A-Z])\?", question):
        return letter.get(option) == match[1]
    if match := re.fullmatch(r"Which letter labels the (\w+)\?", question):
        return letter[match[1]] == option
    if match := re.fullmatch(r"What does the arrow from the (\w+) point at\?", question):
        return follows[match[1]] == option
    if question == "With which thing does the chain begin?":
        return option in follows and option not in follows.values()
    if question == "With which thing does the chain end?":
        return option in follows.values() and option not in follows
    return {
        "Which of these is in the diagram?": lambda: option in letter,
        "Which of these is not in the diagram?": lambda: option not in letter,
        "How many arrows are there?": lambda: int(option) == len(follows),
        "How many things have a label?": lambda: int(option) == len(letter),
    }[question]()


def test_one_option_of_a_diagram_question_is_right_and_the_others_are_wrong():
    asked = set()
    for index in range(200):
        diagram = diagrams.design(Random(f"law/{index}"), index)
        (item,) = draw(diagrams.SUBJECTS[0], index, "test").items["VQA_AI2D"]
        question, options = item["query"].split(" Options: ")
        assert re.findall(r"\([A-D]\) (\w+)", options) == item["gt_choices"]
        assert 2 <= len(set(item["gt_choices"])) == len(item["gt_choices"]) <= 4
        assert [holds(diagram, question, option) for option in item["gt_choices"]].index(True) == item["gt_choice"]
        assert sum(holds(diagram, question, option) for option in item["gt_choices"]) == 1
        asked.add(re.sub(r"label [A-Z]", "label", question))
    assert len(asked) > 20


def test_one_option_of_a_training_question_is_right_and_the_others_are_wrong():
    for index in range(30):
        diagram = diagrams.design(Random(f"law/{index}"), index)
        for dialogue in draw(diagrams.SUBJECTS[0], index, "train").dialogues[:-2]:
            said = [turn["value"] for turn in dialogue["conversations"]]
            for human, model in zip(said[::2], said[1::2]):
                question, options = human.split(" Options: ")
                right = {option for option in re.findall(r"\([A-D]\) (\w+)", options) if holds(diagram, question, option)}
                assert right == {model}


def test_the_right_letter_of_a_diagram_is_balanced():
    found = items(diagrams.SUBJECTS[0], 400)["VQA_AI2D"]
    four = Counter(entry["gt_choice"] for entry in found if len(entry["gt_choices"]) == 4)
    assert all(0.17 < four[place] / four.total() < 0.33 for place in range(4))
    assert max(Counter(entry["gt_choice"] for entry in found).values()) < 0.36 * len(found)
