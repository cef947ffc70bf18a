"""Dialogues are read strictly, and dealt without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamm_bench.ask.instruction import prompt_file
from lamm_bench.errors import BenchError
from lamm_bench.lamm.vision import MiniImageEncoder
from lamm_bench.training.config.preset import Augment, Data
from lamm_bench.training.config.reading import list_presets, read_preset, show_preset
from lamm_bench.training.data.augment import change
from lamm_bench.training.data.dialogues import merged, read_dialogues, read_file
from lamm_bench.training.data.examples import cut, deal, make_examples, padding_share, rng, sample, text_only
from lamm_bench.types import Media

from .toys import CONFIG, PRESET, toy_data

GOOD = {
    "id": "7",
    "image": "a.png",
    "task_type": "detection",
    "conversations": [{"from": "human", "value": "What?\n<image>"}, {"from": "gpt", "value": "cat"}],
}
HUMAN, GPT = {"from": "human", "value": "What?"}, {"from": "gpt", "value": "cat"}


def read(tmp_path: Path, items: Any, key: str = "image") -> list[Any]:
    (tmp_path / "meta_file").mkdir(exist_ok=True)
    file = tmp_path / "meta_file" / "a.json"
    file.write_text(items if isinstance(items, str) else json.dumps(items), encoding="utf-8")
    return list(read_file(file, key, prompt_file("standard")))


def test_a_dialogue_becomes_messages_without_its_placeholder(tmp_path: Path) -> None:
    (one,) = read(tmp_path, [GOOD])
    system, human, assistant = one.messages(prompt_file("standard"), "detection")
    assert system.text == prompt_file("standard").of_kind("detection")
    assert human.parts == (one.media, "What?") and assistant.text == "cat"
    assert one.media.path == str(tmp_path / "a.png")


NAMES = ("meta_file/a.json",)


def test_items_of_the_other_modality_are_left_out_and_counted(tmp_path: Path) -> None:
    cloud = {**GOOD, "id": "8", "pcl": "b.npy"}
    del cloud["image"]
    assert [one.media.kind for one in read(tmp_path, [GOOD, cloud], "pcl")] == ["point_cloud"]
    for lists, count in (({"image": NAMES}, 1), ({"image": NAMES, "point_cloud": NAMES}, 0)):
        said: list[str] = []
        read_dialogues(tmp_path, Data(media=lists), said.append)
        assert len(said) == count
    read_dialogues(tmp_path, Data(media={"image": NAMES}), said.append)
    assert said[0].endswith("a.json: item 1 (id 8) has no 'image'; 1 of 2 dialogues are about other media and are left out")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"conversations": [GPT, HUMAN]}, r"turn 0 is from 'gpt', expected 'human'"),
        ({"conversations": [HUMAN, GPT, GPT]}, r"turn 2 is from 'gpt', expected 'human'"),
        ({"conversations": [HUMAN, {"from": "robot", "value": "x"}]}, r"turn 1 is from 'robot'"),
        ({"conversations": [HUMAN]}, r"the last turn is the human's"),
        ({"conversations": [HUMAN, {"from": "gpt", "value": " "}]}, r"turn 1 is empty"),
        ({"conversations": [HUMAN, {"from": "gpt"}]}, r"turn 1 is .*expected an object"),
        ({"conversations": [HUMAN, "cat"]}, r"turn 1 is 'cat'"),
        ({"conversations": []}, r"'conversations' is \[\]"),
        ({"conversations": None}, r"'conversations' is missing"),
        ({"image": 3}, r"'image' is 3, expected a path"),
        ({"task_type": "countng"}, r"no task_type called 'countng'. Did you mean 'counting'"),
        ({"task_type": ["a"]}, r"task_type"),
    ],
)
def test_a_bad_dialogue_is_named_with_file_and_item(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(BenchError, match=rf"a\.json: item 1 \(id 8\): .*{fault}"):
        read(tmp_path, [GOOD, {**GOOD, "id": "8", **change}])


def test_an_item_without_any_media_and_a_double_id_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"item 0 \(id 7\) has none of the keys image, pcl"):
        read(tmp_path, [{k: v for k, v in GOOD.items() if k != "image"}])
    with pytest.raises(BenchError, match=r"item 1 \(id 7\) has the id of item 0"):
        read(tmp_path, [GOOD, GOOD])


@pytest.mark.parametrize(("text", "fault"), [("{", "is not JSON"), ("{}", "holds dict"), ("[3]", "item 0 is int")])
def test_a_file_that_is_not_a_list_of_dialogues_is_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        read(tmp_path, text)


def test_a_missing_file_and_a_file_without_the_modality_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"nothing\.json is missing"):
        read_dialogues(tmp_path, Data(media={"image": ("nothing.json",)}))
    read(tmp_path, [GOOD])
    with pytest.raises(BenchError, match="holds no dialogue with the key 'pcl'"):
        read_dialogues(tmp_path, Data(media={"point_cloud": ("meta_file/a.json",)}))


class Words:
    """A tokenizer of one token a word."""

    bos = 1

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(len(word) + 5 for word in text.split())


def test_no_turn_is_lost_by_merging_and_cutting(tmp_path: Path) -> None:
    root = toy_data(tmp_path)
    plan = read_preset(root / "toy.yaml")
    dialogues = read_dialogues(root, plan.data)
    wholes = merged(dialogues, "media")
    assert len(wholes) == 15 and len(merged(dialogues, "task_type")) == 30
    data = Data(text_tokens=32)
    parts = [part for one in wholes for part in cut(one, data, Words())]  # type: ignore[arg-type]
    assert len(parts) > len(wholes)
    said = sorted((one.media.path, turn) for one in dialogues for turn in one.turns)
    assert sorted((part.media.path, turn) for part in parts for turn in part.turns) == said
    for part in parts:
        assert sum(len(Words().encode(text)) for turn in part.turns for text in turn) + 12 * len(part.turns) <= 32


def test_an_answer_longer_than_the_limit_is_named(tmp_path: Path) -> None:
    (one,) = read(tmp_path, [{**GOOD, "conversations": [HUMAN, {"from": "gpt", "value": "cat " * 100}]}])
    with pytest.raises(BenchError, match=r"item 0 \(id 7\): a question with its answer has 113 tokens"):
        cut(one, Data(text_tokens=50), Words())  # type: ignore[arg-type]


def test_only_pictures_whose_texts_know_no_side_are_mirrored(tmp_path: Path) -> None:
    root = toy_data(tmp_path)
    data = Data(share="task_type", media={"image": ("2D_Instruct/meta_file/a.json",)})
    found = make_examples(
        read_dialogues(root, data),
        data,
        prompt_file("standard"),
        Words(),
        {"image": 2},
        999,
        ("counting",),  # type: ignore[arg-type]
    )
    assert {(one.task_types[0], one.mirror) for one in found} == {("detection", False), ("counting", True)}


def test_text_alone_is_learnt_whole(tmp_path: Path) -> None:
    (one,) = read(tmp_path, [GOOD])
    (row,) = text_only(one, Data(), prompt_file("standard"), Words())  # type: ignore[arg-type]
    assert not row.media and row.labels[1:] == row.ids[1:]


def test_batches_hold_every_example_once_and_one_kind_of_media_each() -> None:
    stream = np.random.default_rng(0)
    lengths = [*stream.integers(10, 90, 202).tolist(), 130]
    kinds = ["image" if i % 3 else "point_cloud" for i in range(203)]
    batches = deal(lengths, kinds, 8, 120, rng(0, "order"))
    assert sorted(i for batch in batches for row in batch for i in row) == list(range(203))
    for batch in batches:
        assert len({kinds[i] for row in batch for i in row}) == 1 and len(batch) <= 8
        assert all(sum(lengths[i] for i in row) <= 120 or len(row) == 1 for row in batch)
    assert padding_share(batches, lengths) < 0.1
    assert batches == deal(lengths, kinds, 8, 120, rng(0, "order")) != deal(lengths, kinds, 8, 120, rng(1, "order"))


def test_an_epoch_takes_at_most_so_many_sequences_of_each_media() -> None:
    media = [Media("image", str(i % 7)) for i in range(40)]
    one, other = sample(media, 2, rng("a")), sample(media, 2, rng("b"))
    assert len(one) == 14 == len({*one}) and one != other
    assert sample(media, 0, rng("a")) == list(range(40))


def test_augmentation_is_a_function_of_its_stream_and_stays_in_range() -> None:
    import torch

    inputs = torch.rand(4, 3, 8, 8) * 255
    how, encoder = Augment(light=0.3, noise=9.0, shift=2), MiniImageEncoder(CONFIG.encoders["image"])
    one = change(encoder, inputs, [False] * 4, how, rng("a"))
    assert torch.equal(one, change(encoder, inputs, [False] * 4, how, rng("a")))
    assert not torch.equal(one, change(encoder, inputs, [False] * 4, how, rng("b")))
    assert one.min() >= 0 and one.max() <= 255
    assert torch.equal(change(encoder, inputs, [True] * 4, Augment(), rng("a")), inputs) is False
    assert torch.equal(change(encoder, inputs, [False] * 4, Augment(), rng("a")), inputs)


def test_presets_are_listed_shown_and_overridden(tmp_path: Path) -> None:
    assert "built-in baseline" in list_presets()["mini"]
    assert show_preset("mini").startswith("# The built-in baseline")
    assert read_preset("mini", {"stages.lamm.epochs": "0.5", "model.lora.r": "4"}).stages[-1].epochs == 0.5


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"stages.lama.epochs": "1"}, "called 'lama'. Did you mean 'lamm'"),
        ({"stages.lamm.epoch": "1"}, "called 'epoch'. Did you mean 'epochs'"),
        ({"data.trns": "x"}, "called 'trns'. Did you mean 'turns'"),
        ({"data.turns": "sequentail"}, "Did you mean 'sequential'"),
        ({"seed": "one"}, "toy.yaml.seed is 'one', expected int"),
        ({"stages.lamm.train": "[loras]"}, "Did you mean 'lora'"),
        ({"stages.lamm.batch": "0"}, "must be above 0"),
        ({"model.image": "null"}, "data.image and model.image must be given both or neither"),
        ({"seed.x": "1"}, r"toy.yaml.seed is \{'x': 1\}, expected int"),
        ({"stages.lamm.rate.x": "1"}, "must name one value"),
        ({"name.x.y": "1"}, "goes through x"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_sentence(tmp_path: Path, settings: dict[str, str], fault: str) -> None:
    (tmp_path / "toy.yaml").write_text(PRESET, encoding="utf-8")
    with pytest.raises(BenchError, match=fault):
        read_preset(tmp_path / "toy.yaml", settings)


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="Did you mean 'mini'"):
        read_preset("minni")
