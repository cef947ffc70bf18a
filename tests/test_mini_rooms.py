"""Rooms of the miniature: clouds, boxes, descriptions and questions."""

from __future__ import annotations

import io
import re
from collections import Counter
from math import hypot
from random import Random

import numpy as np
import pytest

from lamm_bench.data.mini.drawn import Drawn, Split
from lamm_bench.data.mini.furniture import COLOURS, KINDS, Piece, Room, joined
from lamm_bench.data.mini.rooms import SUBJECTS, draw_room, furnish, scan, shell

NUMBER = r"-?\d+\.\d\d"
BOX = rf"\[{NUMBER}(?:, {NUMBER}){{5}}\]"


def stream(index: int) -> Random:
    return Random(f"law/{index}")


def draw(index: int, split: Split) -> Drawn:
    return draw_room(stream(index), index, split)


def room(index: int) -> Room:
    """The room that `draw` shows: its furniture is what the stream gives first."""
    return furnish(stream(index))


def clouds(drawn: Drawn) -> list[np.ndarray]:
    return [np.load(io.BytesIO(data), allow_pickle=False) for data in drawn.media.values()]


def overlap(one: Piece, two: Piece) -> bool:
    """Whether two boxes share space."""
    return all(abs(one.box[i] - two.box[i]) < (one.box[i + 3] + two.box[i + 3]) / 2 for i in range(3))


@pytest.mark.parametrize("split", ["test", "train"])
def test_the_same_random_stream_gives_the_same_bytes_and_items(split):
    for index in range(3):
        assert draw(index, split) == draw(index, split)


def test_clouds_are_points_in_metres_with_colours():
    for index in range(20):
        for split, low, high in (("test", 3896, 4296), ("train", 2048, 2048)):
            for cloud in clouds(draw(index, split)):
                assert cloud.dtype == np.float32 and cloud.shape[1] == 6 and low <= len(cloud) <= high
                assert np.isfinite(cloud).all() and cloud[:, 3:].min() >= 0 and cloud[:, 3:].max() <= 255
                assert np.abs(cloud[:, :2]).max() < 2.8 and cloud[:, 2].min() > -0.06 and cloud[:, 2].max() < 2.6


def test_a_box_is_the_extent_of_its_objects_points():
    for index in range(25):
        for points in (2048, 4096):
            rng = stream(index)
            shown = furnish(rng)
            cloud, owner = scan(rng, shown, shell(rng, shown), points)
            assert Counter(owner.tolist()).total() == points
            for number, piece in enumerate(shown.pieces):
                mine = cloud[owner == number, :3]
                box = np.array(piece.box)
                assert len(mine) > 60, piece.label
                assert np.abs(mine.min(axis=0) - (box[:3] - box[3:] / 2)).max() < 0.06, piece.label
                assert np.abs(mine.max(axis=0) - (box[:3] + box[3:] / 2)).max() < 0.06, piece.label


def test_furniture_neither_touches_nor_leaves_the_room():
    for index in range(120):
        shown = room(index)
        assert 3 <= len(shown.pieces) <= 7 and 3 <= shown.length <= 5 and 3 <= shown.width <= 5
        for number, piece in enumerate(shown.pieces):
            assert abs(piece.box[0]) + piece.box[3] / 2 < shown.length / 2 + 0.1
            assert abs(piece.box[1]) + piece.box[4] / 2 < shown.width / 2 + 0.1
            assert piece.box[2] - piece.box[5] / 2 > -1e-3
            assert not any(overlap(piece, other) for other in shown.pieces[:number])


def test_every_class_of_furniture_has_its_own_measures():
    heights = {}
    for label, kind in KINDS.items():
        boxes = [joined(kind.build(Random(f"{label}/{i}"), (200, 30, 30))).box() for i in range(30)]
        assert all(box[2] - box[5] / 2 > -1e-9 for box in boxes)
        heights[label] = np.mean([box[5] for box in boxes])
    assert heights["door"] > heights["chair"] > heights["table"] > heights["bathtub"]


def test_the_scans_of_a_room_share_its_boxes_and_differ_in_points():
    for index in range(10):
        drawn = draw(index, "test")
        assert [entry["object"] for entry in drawn.items["Detection_ScanNet"]] == [
            [{"label": piece.label, "bbox": list(piece.box)} for piece in room(index).pieces]
        ] * 3
        assert len(set(drawn.media.values())) == 3
        assert [re.fullmatch(r"scannet_pcls/(scene\d{4})_0[012]\.npy", path)[1] for path in drawn.media] == [
            f"scene{index:04d}"
        ] * 3


def test_items_name_their_scan_with_a_leading_dot_and_each_file_has_a_hundred():
    found: Counter[str] = Counter()
    for index in range(SUBJECTS[0].counts["test"]):
        drawn = draw(index, "test")
        for stem, entries in drawn.items.items():
            found[stem] += len(entries)
            assert [entry["pcl"] for entry in entries] == [f"./{path}" for path in drawn.media]
    assert found == {"Detection_ScanNet": 120, "VG_ScanRefer": 120, "VQA_ScanQA_multiplechoice": 120}


def centres_apart(one: Piece, two: Piece) -> float:
    return hypot(one.box[0] - two.box[0], one.box[1] - two.box[1])


def fitting(shown: Room, phrase: str) -> list[Piece]:
    """The pieces that a phrase fits, told by other means than the drawer's."""
    if match := re.fullmatch(r"the (\w+) nearest to the (\w+)", phrase):
        (anchor,) = (piece for piece in shown.pieces if piece.label == match[2])
        same = [piece for piece in shown.pieces if piece.label == match[1]]
        assert len(same) > 1
        least = min(centres_apart(anchor, piece) for piece in same)
        return [piece for piece in same if centres_apart(anchor, piece) < least + 0.35]
    if match := re.fullmatch(r"the (largest|smallest) (\w+)", phrase):
        same = [piece for piece in shown.pieces if piece.label == match[2]]
        assert len(same) > 1
        volumes = [float(np.prod(piece.box[3:])) for piece in same]
        if match[1] == "largest":
            return [piece for piece, volume in zip(same, volumes) if volume > max(volumes) / 1.2]
        return [piece for piece, volume in zip(same, volumes) if volume < min(volumes) * 1.2]
    match = re.fullmatch(rf"the (?:({'|'.join(COLOURS)}) )?(\w+)", phrase)
    assert match, phrase
    return [piece for piece in shown.pieces if piece.label == match[2] and match[1] in (None, piece.colour)]


def test_every_description_fits_exactly_one_object():
    kinds = Counter()
    for index in range(120):
        shown = room(index)
        for entry in draw(index, "test").items["VG_ScanRefer"]:
            phrase = re.fullmatch(r"Give the box \[x, y, z, l, w, h\] of (.*)\.", entry["query"])[1]
            (piece,) = fitting(shown, phrase)
            assert list(piece.box) == entry["object"]
            kinds["nearest" in phrase, "est " in phrase, len(phrase.split())] += 1
    assert len(kinds) >= 4


def test_every_training_description_fits_exactly_one_object():
    for index in range(40):
        shown = room(index)
        for dialogue in draw(index, "train").dialogues:
            if dialogue["task_type"] == "visual_grounding3d":
                said = [turn["value"] for turn in dialogue["conversations"]]
                for human, model in zip(said[::2], said[1::2]):
                    (piece,) = fitting(shown, re.search(r"the (?!box)[^.?]*", human)[0])
                    assert re.fullmatch(BOX, model)
                    assert np.abs(np.array(piece.box) - [float(x) for x in model[1:-1].split(", ")]).max() < 0.0051


def right_options(shown: Room, question: str, options: list[str]) -> list[str]:
    """The options that answer a question, told by other means than the drawer's."""
    labels = [piece.label for piece in shown.pieces]
    if match := re.fullmatch(r"How many (\w+) are there\?", question):
        one = match[1].removesuffix("s") if match[1] != "bookshelves" else "bookshelf"
        assert one in KINDS
        return [option for option in options if int(option) == labels.count(one)]
    if match := re.fullmatch(r"What colour is the (\w+)\?", question):
        (piece,) = (piece for piece in shown.pieces if piece.label == match[1])
        return [option for option in options if option == piece.colour]
    if match := re.fullmatch(r"What is nearest to the (\w+)\?", question):
        (anchor,) = (piece for piece in shown.pieces if piece.label == match[1])
        others = [piece for piece in shown.pieces if piece is not anchor]
        least = min(centres_apart(anchor, piece) for piece in others)
        close = {piece.label for piece in others if centres_apart(anchor, piece) < least + 0.35}
        return [option for option in options if option in close]
    assert question == "Which of these is in the room?"
    return [option for option in options if option in labels]


def test_one_of_six_options_is_right():
    families = Counter()
    for index in range(120):
        shown = room(index)
        for entry in draw(index, "test").items["VQA_ScanQA_multiplechoice"]:
            question, listed = entry["query"].split(" Options: ")
            assert re.findall(r"\([A-F]\) (\w+)", listed) == entry["gt_choices"] and len(set(entry["gt_choices"])) == 6
            assert right_options(shown, question, entry["gt_choices"]) == [entry["gt_choices"][entry["gt_choice"]]]
            families[question.split()[1]] += 1
    assert min(families[word] for word in ("many", "colour", "is", "of")) > 40


def test_one_of_six_options_of_a_training_question_is_right():
    for index in range(40):
        shown = room(index)
        for dialogue in draw(index, "train").dialogues:
            if dialogue["task_type"] == "VQA3D":
                said = [turn["value"] for turn in dialogue["conversations"]]
                for human, model in zip(said[::2], said[1::2]):
                    question, listed = human.split(" Options: ")
                    options = dict(re.findall(r"\(([A-F])\) (\w+)", listed))
                    assert right_options(shown, question, list(options.values())) == [model] and len(options) == 6


def test_the_right_letter_is_balanced():
    letters = Counter(e["gt_choice"] for i in range(40) for e in draw(i, "test").items["VQA_ScanQA_multiplechoice"])
    assert letters == dict.fromkeys(range(6), 20)


def test_training_lists_the_objects_by_label_then_from_left_to_right():
    for index in range(20):
        first, *others = draw(index, "train").dialogues
        answer = first["conversations"][1]["value"]
        assert first["task_type"] == "detection3d"
        assert re.fullmatch(rf"\w+ {BOX}(?:; \w+ {BOX})*", answer) and "-0.00" not in answer
        order = [(part.split(" [")[0], float(re.search(NUMBER, part)[0])) for part in answer.split("; ")]
        assert order == sorted(order) and len(order) == len(room(index).pieces)
        assert [dialogue["task_type"] for dialogue in others].count("description3d") == 1


def test_the_caption_names_every_object_with_its_colour():
    for index in range(20):
        caption = draw(index, "train").dialogues[-1]["conversations"][1]["value"]
        named = re.findall(r"a (\w+) (\w+) ", caption)
        assert Counter(named) == Counter((piece.colour, piece.label) for piece in room(index).pieces)
