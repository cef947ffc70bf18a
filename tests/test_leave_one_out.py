"""What a training leaves out reaches none of its stages: neither tokenizer nor encoders nor language model can know of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.instruction import prompt_file
from lamm_bench.data.mini import make
from lamm_bench.training.config.reading import read_preset
from lamm_bench.training.data.dialogues import read_dialogues
from lamm_bench.training.data.without import left_out, places
from lamm_bench.training.dry_run import dry_run
from lamm_bench.training.stages.build import system_messages
from lamm_bench.training.stages.trainer import Trainer

from .toys import PRESET, picture
from .trainings import go, weights

PICTURES_ALONE = {"data__point_cloud": "[]", "model__point_cloud": "null", "data__max_bad": "0"}
FACES = {"person", "people", "face", "hair", "smile", "smiling", "glasses", "beard", "mouth", "blond", "brown", "gray"}
STAGES = {"language": False, "encoders": True, "lamm": True}  # whether it looks at pictures

Talk = tuple[str, str, str, str]  # folder, kind, question, answer

OTHERS: list[Talk] = [
    ("voc2012_images", "detection", "Name all.", "cat [0.10, 0.20]; dog [0.30, 0.40]"),
    ("voc2012_images", "VQA", "What colour is the cat?", "black"),
    ("fsc147_images", "locating", "Point at the stars.", "[0.20, 0.30]; [0.50, 0.60]"),
]
LEFT_OUT: dict[str, tuple[dict[str, str], list[Talk], str, str]] = {
    "a task with pictures of its own": (
        {"data__without": "[ucmerced]"},
        [("ucmerced_images", "fine_grained_classification", "Which land?", "harbour"),
         ("ucmerced_images", "description", "Describe it.", "A harbour from above.")],
        "harbour", "ucmerced_images",
    ),
    "one kind of question about pictures that stay": (
        {"data__without": "[fsc147]"}, [("fsc147_images", "counting", "How many zebras are there?", "seventeen")], "zebras", "",
    ),
    "pictures that a word gives away": (
        {"data__without_words": "[moustache, wig]"},
        [("other_images", "detection", "Name all.", "Moustache [0.10, 0.20]"),
         ("other_images", "VQA", "What is behind the curtain?", "nobody")],
        "curtain", "other_images",
    ),
}  # fmt: skip
"""Settings, what is said that they must leave out, a word of it, and the folder of which no picture may be opened."""


def data(root: Path, talks: list[Talk], broken: str = "") -> Path:
    """Six pictures for each folder, with all that is said about its kind; those of the folder `broken` cannot be opened."""
    items: list[dict[str, Any]] = []
    for folder, kind, question, answer in talks:
        (root / "2D_Instruct" / folder).mkdir(parents=True, exist_ok=True)
        for index in range(6):
            file = root / "2D_Instruct" / folder / f"{index}.png"
            if folder == broken:
                file.write_bytes(b"no picture")
            elif not file.exists():
                picture(file.parent, file.name, index)
            talk = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
            items.append({"id": f"{len(items)}", "image": f"{folder}/{index}.png", "task_type": kind, "conversations": talk})
    (root / "2D_Instruct/meta_file").mkdir()
    (root / "2D_Instruct/meta_file/a.json").write_text(json.dumps(items))
    (root / "toy.yaml").write_text(PRESET)
    return root


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    """Of each stage the media and the whole text of every row that it learns from."""
    losses, found = Trainer.losses, {}

    def watched(self: Trainer, stage: Any, heads: Any, packs: Any, *rest: Any) -> Any:
        for row in (row for pack in packs for row in pack):
            said = self.tokenizer.decode(row.encoded.ids)  # type: ignore[union-attr]
            if stage.asked:  # the encoders' questions come from the course
                said += " ".join((*self.course.questions, *self.course.answers, *self.course.labels))
            found.setdefault(stage.name, []).append((row.media.path, said))
        return losses(self, stage, heads, packs, *rest)

    monkeypatch.setattr(Trainer, "losses", watched)
    return found


@pytest.mark.parametrize("what", LEFT_OUT)
def test_a_training_is_as_if_what_it_leaves_out_did_not_exist(tmp_path: Path, learnt, what: str) -> None:
    settings, talks, word, folder = LEFT_OUT[what]
    told = go(data(tmp_path / "all", [*OTHERS, *talks], folder), tmp_path / "a", "toy.yaml", **settings, **PICTURES_ALONE)
    assert learnt.keys() == STAGES.keys()
    for stage, rows in learnt.items():
        assert not [said for path, said in rows if word in said or (folder and folder in path)], stage
        assert any("cat" in said for _, said in rows), stage
        assert all(path for path, _ in rows) == STAGES[stage]
    # nothing of it exists; a word that nobody says leaves nothing out
    never = {"data__without_words": "[moustache]"}
    bare = go(data(tmp_path / "rest", OTHERS), tmp_path / "b", "toy.yaml", **never, **PICTURES_ALONE)
    assert weights(told) == weights(bare)
    words = [(made / "tokenizer.json").read_text() for made in (told, bare)]
    assert words[0] == words[1] and word not in words[0]


@pytest.mark.parametrize("what", LEFT_OUT)
def test_without_the_setting_every_stage_learns_it(tmp_path: Path, learnt, what: str) -> None:
    _, talks, word, folder = LEFT_OUT[what]
    go(data(tmp_path / "all", [*OTHERS, *talks]), tmp_path / "a", "toy.yaml", **PICTURES_ALONE)
    for stage, rows in learnt.items():
        assert any(word in said or (folder and folder in path) for path, said in rows), stage


def test_a_tokenizer_learns_no_system_message_of_a_kind_that_is_left_out(tmp_path: Path) -> None:
    talks = [*OTHERS, ("celeba_images", "facial_classification", "Which?", "gray")]
    root = data(tmp_path / "all", talks)
    every: dict[str, dict[str, str]] = {"whole": {}, "less": {"data__without": "[celeba-hair]"}}
    vocabularies = [
        (go(root, tmp_path / name, "toy.yaml", tokenizer="700", **settings, **PICTURES_ALONE) / "tokenizer.json").read_text()
        for name, settings in every.items()
    ]
    assert ["Ġface" in each for each in vocabularies] == [True, False]
    assert all("Ġobject" in each for each in vocabularies)


def test_card_and_dry_run_count_what_is_left_out(tmp_path: Path) -> None:
    settings, talks, _, _ = LEFT_OUT["a task with pictures of its own"]
    root = data(tmp_path / "all", [*OTHERS, *talks])
    made = go(root, tmp_path / "a", "toy.yaml", **settings, **PICTURES_ALONE)
    text = (made / "README.md").read_text()
    assert "12 dialogues about 6 media" in text and "6 media are not seen at all: ucmerced_images 12 (of 6 media)" in text
    assert "fsc147_images 6 (of 6 media), voc2012_images 12 (of 6 media)" in text
    asked = {key.replace("__", "."): value for key, value in (settings | PICTURES_ALONE).items()}
    assert "18 dialogues" in dry_run(root / "toy.yaml", asked, root, 1, None)


def test_the_small_preset_shows_and_says_nothing_of_faces_to_any_part(tmp_path: Path) -> None:
    plan = read_preset("leave-one-out-small", {"data.part": "1"})
    assert [stage.name for stage in plan.stages] == ["encoders", "language", "lamm"] and "encoders" in plan.stages[0].train
    assert not (plan.encoders_from or plan.extends or plan.start)  # from nothing
    make(tmp_path / "mini", parts=("train",), counts={"train": 60}, workers=1)
    every = read_dialogues(tmp_path / "mini", plan.data)
    kept, gone = left_out(every, plan.data)
    said = [text for one in kept for turn in one.turns for text in turn]
    words = set(re.findall("[a-z]+", " ".join([*said, *system_messages(plan, kept, prompt_file(plan.data.prompts))]).lower()))
    assert "chair" in words and not words & {*FACES, *plan.data.without_words}
    assert {places(one)[0] for one in kept} == {"cifar10_images", "voc2012_images", "fsc147_images"}
    shown = {one.media for one in gone if places(one)[0] == "voc2012_images"}
    assert shown and shown.isdisjoint(one.media for one in kept)  # a scene with a person goes with all that is said about it
