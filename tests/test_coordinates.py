"""Conventions of places: what each family's numbers mean, how they are asked for, read, counted and kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.coordinates import Wording, of_manifest
from lamm_bench.ask.runner import flow_of
from lamm_bench.errors import BenchError
from lamm_bench.read import Frame, Place, convention, read_boxes, read_points
from lamm_bench.read.conventions import Convention, known, of_name, of_type, tables
from lamm_bench.read.rendering import render
from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.show.figures import NATIVELY, read_run
from lamm_bench.tasks.counting import counted
from lamm_bench.tasks.loading import thing_in
from lamm_bench.types import Sample

from .commands import lamm_bench

PETS = Lexicon({"cat": (), "dog": ()}).vocabulary(())
BOX, SIZE = (0.12, 0.34, 0.56, 0.91), (640, 480)
PLACE_TASKS = "voc2012,lsp,locating-voc2012,locating-lsp,locating-fsc147"

# one box of a picture of 640 x 480, as each family's documents show it (the sources stand in conventions.yaml)
REPLIES = {
    "fractions": "dog [0.12, 0.34, 0.56, 0.91]",
    "pixels": "dog: [77, 163, 358, 437]",
    "qwen-vl": "<ref>dog</ref><box>(120,340),(560,910)</box>",
    "qwen2-vl": "<|object_ref_start|>dog<|object_ref_end|><|box_start|>(120,340),(560,910)<|box_end|>",
    "qwen2.5-vl": '```json\n[{"bbox_2d": [77, 162, 361, 433], "label": "dog"}]\n```',
    "qwen3-vl": '```json\n[\n\t{"bbox_2d": [120, 340, 560, 910], "label": "dog"}\n]\n```',
    "internvl": "<ref>dog</ref><box>[[120, 340, 560, 910]]</box>",
    "paligemma": "<loc0348><loc0123><loc0932><loc0573> dog",
    "florence-2": "dog<loc_120><loc_340><loc_560><loc_910>",
    "kosmos-2": "<phrase>a dog</phrase><object><patch_index_0323><patch_index_0945></object>",
    "gemini": '```json\n[{"box_2d": [340, 120, 910, 560], "label": "dog"}]\n```',
    "glm-v": "<think>It is left.</think><answer>dog <|begin_of_box|>[[120,340,560,910]]<|end_of_box|></answer>",
    "minicpm-v": "<ref>dog</ref><box>120 340 560 910</box>",
    "deepseek-vl2": "<|ref|>dog<|/ref|><|det|>[[120, 340, 559, 909]]<|/det|>",
    "cogvlm": "dog [[120,340,560,910]]",
    "shikra": "dog [0.120,0.380,0.560,0.808]",
    "llava-1.5": "dog [0.12, 0.38, 0.56, 0.81]",
    "ferret": "dog [120, 340, 560, 910]",
    "kimi-vl": '{"bbox_2d":[0.120,0.340,0.560,0.910], "label": "dog"}',
    "moondream": '{"objects":[{"label": "dog", "x_min":0.12,"y_min":0.34,"x_max":0.56,"y_max":0.91}]}',
}
POINTS = {
    "molmo": '<point x="34.0" y="62.5" alt="dog">dog</point>',
    "molmo2": '<points coords="1 1 340 625">dog</points>',
    "gemini": '[{"point": [625, 340], "label": "dog"}]',
    "qwen2.5-vl": '```json\n[{"point_2d": [219, 298], "label": "dog"}]\n```',
    "qwen3-vl": '[{"point_2d": [340, 625], "label": "dog"}]',
    "moondream": '{"points": [{"label": "dog", "x": 0.34, "y": 0.625}]}',
}


def frame(name: str, size: tuple[int, int] = SIZE) -> Frame:
    return Frame(convention(name), size, size)


def resolution(own: Convention, size: tuple[int, int]) -> float:
    """How far a place may move by being written down: half of the step between two numbers, in fractions of the shorter side."""
    if own.cells:
        return 1 / 32
    if own.pixels:
        return 0.51 / min(frame(own.name, size).size or size)
    step = own.scale if own.digits or own.decimals == 0 else own.scale * 10.0**own.decimals
    return 0.51 / step * (max(size) / min(size) if own.frame == "padded" else 1) * (2 if own.middles or own.last else 1)


@pytest.mark.parametrize("name", REPLIES)
def test_each_familys_own_words_are_read_as_the_same_box(name: str) -> None:
    (place,) = read_boxes(REPLIES[name], PETS, 4, frame(name)) or ()
    assert place.label == "dog"
    assert place.numbers == pytest.approx(BOX, abs=0.02 if name == "kosmos-2" else 0.007)


@pytest.mark.parametrize("name", POINTS)
def test_each_familys_own_words_are_read_as_the_same_point(name: str) -> None:
    (place,) = read_points(POINTS[name], PETS, frame(name)) or ()
    assert (place.label, place.numbers) == ("dog", pytest.approx((0.34, 0.625), abs=0.003))


def test_every_family_speaks_a_convention_that_is_known_and_names_its_source() -> None:
    for line in tables()[1]:
        assert line["convention"] in known()
        assert len(line["source"]) > 20 and (line["types"] or line["names"])
    spoken = {line["convention"] for line in tables()[1]} | {"fractions", "fractions-stated", "pixels"}
    assert spoken == set(known())


SIDES = st.integers(20, 2000)
EDGES = st.tuples(*[st.floats(0, 1)] * 4).filter(lambda b: b[2] - b[0] > 0.05 and b[3] - b[1] > 0.05)


@pytest.mark.parametrize("name", [name for name in known() if known()[name].boxes])
@given(EDGES, SIDES, SIDES)
def test_what_is_written_in_a_convention_is_read_back_to_its_resolution(name: str, box: Any, width: int, height: int) -> None:
    if max(width, height) > 150 * min(width, height):
        return
    own = frame(name, (width, height))
    said = render([Place("dog", box), Place("cat", (0.25, 0.25, 0.75, 0.75))], own)
    found = read_boxes(said, PETS, 4, own)
    assert found is not None and [place.label for place in found] == ["dog", "cat"]
    assert found[0].numbers == pytest.approx(box, abs=resolution(own.convention, (width, height)) + 1e-9)


@pytest.mark.parametrize("name", [name for name in known() if known()[name].points])
@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_points_are_read_back_to_the_resolution_too(name: str, point: tuple[float, float]) -> None:
    own = frame(name)
    found = read_points(render([Place(None, point)], own), None, own)
    assert found is not None and found[0].numbers == pytest.approx(point, abs=2 * resolution(own.convention, SIZE))


def test_names_say_more_than_an_order() -> None:
    """A convention's order is for numbers without names."""
    gemini = frame("gemini")
    named = '{"ymin": 340, "xmin": 120, "ymax": 910, "xmax": 560, "label": "dog"}'
    assert read_boxes(named, PETS, 4, gemini) == read_boxes('{"box_2d": [340, 120, 910, 560], "label": "dog"}', PETS, 4, gemini)
    assert read_points('{"x": 340, "y": 625}', None, gemini) == [Place(None, (0.34, 0.625))]


@pytest.mark.parametrize(
    "text, labels",
    [
        ("<loc0001><loc0002><loc0003><loc0004> dog ; <loc0001><loc0002><loc0003><loc0005> cat", ["dog", "cat"]),
        ("dog<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>cat<loc_1><loc_2><loc_3><loc_4>", ["dog", "dog", "cat"]),
        (
            "<ref>dog</ref><box>(1,2),(3,4)</box><box>(5,6),(7,8)</box> and <ref>cat</ref><box>(1,2),(3,4)</box>",
            ["dog", "dog", "cat"],
        ),
        ("<|ref|>dog<|/ref|><|det|>[[1, 2, 3, 4], [5, 6, 7, 8]]<|/det|>", ["dog", "dog"]),
        (
            "<phrase>two dogs</phrase><object><patch_index_0001><patch_index_0040></delimiter_of_multi_objects/>"
            "<patch_index_0003><patch_index_0044></object> and <phrase>a cat</phrase><object><patch_index_0001><patch_index_0040></object>",
            ["dog", "dog", "cat"],
        ),
        ("<loc0001><loc0002><loc0003> dog", None),
        ("<box></box>", None),
        ("<patch_index_0001> dog", None),
    ],
)
def test_marks_keep_each_box_with_its_name(text: str, labels: list[str] | None) -> None:
    found = read_boxes(text, PETS)
    assert (found and [place.label for place in found]) == labels


DOG, CAT = (0.12, 0.34, 0.56, 0.91), (0.01, 0.02, 0.03, 0.04)


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("qwen2-vl", "dog(120,340),(560,910) cat(10,20),(30,40)", [("dog", DOG), ("cat", CAT)]),  # a server has dropped the tags
        ("qwen3-vl", "[{'bbox_2d': [120, 340, 560, 910], 'label': 'dog'}]", [("dog", DOG)]),
        ("qwen3-vl", '```json\n[{"bbox_2d": [120, 340, 560, 910], "label": "dog"}, {"bbox_2d": [10, 20', [("dog", DOG)]),
        ("qwen3-vl", '[{"label": "dog", "bbox_2d": [[120, 340], [560, 910]]}]', [("dog", DOG)]),
        ("glm-v", "The dog is at <|begin_of_box|>[[120,340,560,910]]<|end_of_box|> and the cat at <|begin_of_box|>[[10,20,30,40]]<|end_of_box|>.", [("dog", DOG), ("cat", CAT)]),
        ("ferret", "dog [[120,340,560,910;010,020,030,040]]", [("dog", DOG), ("dog", CAT)]),
        ("fractions", "dog [0.12,0.34,0.56,0.91;0.01,0.02,0.03,0.04]", [("dog", DOG), ("dog", CAT)]),
        ("fractions", "dog [0,12; 0,34; 0,56; 0,91]", [("dog", DOG)]),
        ("minicpm-v", "<box>120 340 560 910</box> is the dog", [("dog", DOG)]),
        ("fractions", "<box>0.12, 0.34, 0.56, 0.91</box><label>dog</label>\n<box>0.01, 0.02, 0.03, 0.04</box><label>cat</label>", [("dog", DOG), ("cat", CAT)]),
        ("fractions", "<label>dog</label><box>0.12, 0.34, 0.56, 0.91</box>\n<label>cat</label><box>0.01, 0.02, 0.03, 0.04</box>", [("dog", DOG), ("cat", CAT)]),
        ("minicpm-v", "a dog <box>120 340 560 910</box> and a cat <box>10 20 30 40</box>", [("dog", DOG), ("cat", CAT)]),
        ("internvl", "<ref>dog</ref><box>[[120, 340, 560, 910", [("dog", DOG)]),
        ("gemini", "Here they are:\n```json\n[{\"box_2d\": [340, 120, 910, 560], \"label\": \"dog\"}]\n```\nThe dog is brown.", [("dog", DOG)]),
        ("deepseek-ocr", "<|ref|>dog<|/ref|><|det|>[[120, 340, 560, 910]]<|/det|><|ref|>cat<|/ref|><|det|>[[10, 20, 30, 40]]<|/det|>", [("dog", DOG), ("cat", CAT)]),
    ],
)  # fmt: skip
def test_what_models_make_of_their_forms_is_read_too(name: str, text: str, expected: list[tuple[str, Any]]) -> None:
    found = read_boxes(text, PETS, 4, frame(name)) or []
    assert [(place.label, place.numbers) for place in found] == expected


@given(st.text(alphabet="<>|/_loc0123456789 boxpintref=\"'\n[](),dogat;", max_size=200))
def test_no_text_breaks_the_readers_of_marks(text: str) -> None:
    for size in (2, 4):
        for place in read_boxes(text, PETS, size, frame("gemini")) or ():
            assert len(place.numbers) == size


def test_a_size_that_nobody_recorded_leaves_an_answer_unread() -> None:
    assert read_boxes("[77, 163, 358, 437]", None, 4, Frame(convention("pixels"))) is None


@pytest.mark.parametrize(
    "text, count",
    [
        ("There are 7 birds.", 7),
        ('Counting the <points coords="1 1 340 625 2 560 910">birds</points> shows a total of 2.', 2),
        ('<points x1="1.5" y1="2.5" x2="30.1" y2="4.0" x3="7" y3="8" alt="birds">birds</points>', 3),
        ("<point x=1>", None),
    ],
)
def test_a_count_may_be_given_by_pointing(text: str, count: float | None) -> None:
    assert counted(text) == count


def test_models_are_known_by_type_and_by_name() -> None:
    assert [of_type(each) for each in ("qwen3_vl", "gemma3", "kosmos-2", "llava")] == ["qwen3-vl", "none", "kosmos-2", None]
    names = ("Qwen/Qwen2-VL-2B", "qwen2.5-vl-72b", "Molmo2-8B", "allenai/Molmo-7B-D", "models/gemini-3-pro", "gpt-5.4", "mystery")
    assert [of_name(each) for each in names] == ["qwen2-vl", "qwen2.5-vl", "molmo2", "molmo", "gemini", "pixels-sent", None]


@pytest.mark.parametrize("text", ["qwen4", "pixels:frame=moon", "qwen3-vl:scale=big", "qwen3-vl:colour=red", "qwen3-vl:scale=-1"])
def test_a_convention_that_nobody_knows_is_one_sentence(text: str) -> None:
    with pytest.raises(BenchError):
        convention(text)
    assert lamm_bench("run", "--model", "oracle", "--set", f"coordinates={text}", "--tasks", "voc2012").exit_code == 2


def test_the_manifest_keeps_a_whole_convention() -> None:
    for own in (*known().values(), convention("qwen2.5-vl:max_pixels=1003520")):
        assert of_manifest({"coordinates": json.loads(json.dumps(own.to_json()))}) == own
    with pytest.raises(BenchError, match="damaged or edited"):
        of_manifest({"coordinates": {"name": "x", "colour": "red"}})


def test_the_old_recipes_are_what_they_were() -> None:
    catalog = load_catalog([])
    assert "coordinates" not in catalog.recipe("lamm/standard").identity()["instruction"]
    assert catalog.recipe("lamm/native").identity()["instruction"]["coordinates"] == "native"


def test_a_model_is_asked_in_its_own_words_without_the_truth() -> None:
    catalog = load_catalog([])
    task, recipe = catalog.tasks["voc2012"], catalog.recipe("lamm/native")
    sample = Sample(
        "1", "Name every object.", (), [{"label": "cat", "bbox": [0, 0, 1, 1]}], "g", meta={"labels": ("cat", "dog", "tvmonitor")}
    )
    request = next(flow_of(recipe, task, sample, 0, Wording(convention("paligemma"))))
    assert [message.text for message in request.messages] == ["detect cat ; dog ; tv monitor"]
    assert request.max_new_tokens == 2 * task.max_new_tokens
    usual = next(flow_of(recipe, task, sample, 0, Wording(convention("fractions"))))
    assert usual == next(flow_of(recipe, task, sample, 0))


@pytest.mark.parametrize(
    "question, thing",
    [
        (
            "How many red blood cells can be told apart in this picture? Leave out cells that melt into a clump.",
            "red blood cells",
        ),
        ("Mark each of the platelets in this picture. Give the middle of every one as [x, y].", "platelets"),
        ("What is the number of cars in the image?", "cars"),
        ("Please locate the strawberries, one by one.", "strawberries"),
    ],
)
def test_the_thing_that_a_question_is_about(question: str, thing: str) -> None:
    assert thing_in(question) == thing


def run(tmp_path: Path, name: str, *more: object) -> dict[str, Any]:
    file = tmp_path / f"{name}.json"
    result = lamm_bench("run", "--model", "oracle", "--limit", 6, "--output", tmp_path / name, "--json", file, *more)
    assert result.exit_code == 0, result.output
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", ["qwen2.5-vl", "paligemma", "kosmos-2", "molmo"])
def test_a_perfect_model_scores_perfectly_in_its_own_words(mini_root: Path, tmp_path: Path, name: str) -> None:
    settings = ("--data-root", mini_root, "--recipe", "lamm/native", "--set", f"coordinates={name}", "--tasks", PLACE_TASKS)
    data = run(tmp_path, "run", *settings)
    values = {each["task"]: next(iter(each["metrics"].values()))["value"] for each in data["results"]}
    assert set(values.values()) == {100.0}
    assert ("voc2012" in values) == bool(known()[name].boxes) and ("voc2012" in data["skipped"]) != ("voc2012" in values)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["identity"]["coordinates"] == manifest["coordinates"]["name"] == name


def test_another_convention_is_a_diagnosis_and_no_result(mini_root: Path, tmp_path: Path) -> None:
    run(
        tmp_path,
        "run",
        "--data-root",
        mini_root,
        "--recipe",
        "lamm/native",
        "--set",
        "coordinates=qwen3-vl",
        "--tasks",
        "voc2012",
    )
    (file := tmp_path / "d").mkdir()
    wrong = lamm_bench(
        "score", tmp_path / "run", "--data-root", mini_root, "--coordinates", "gemini", "--json", file / "result.json"
    )
    assert "A DIAGNOSIS" in wrong.output
    data = json.loads((file / "result.json").read_text())
    assert data["results"][0]["metrics"]["F1@0.5"]["value"] < 60 and "qwen3-vl" in data["diagnosis"]
    with pytest.raises(BenchError, match="diagnosis"):
        read_run(file / "result.json")
    far = lamm_bench("score", tmp_path / "run", "--data-root", mini_root, "--coordinates", "fractions").output
    assert "100 % of the places" in far and "is the declared convention right?" in far
    same = lamm_bench("score", tmp_path / "run", "--data-root", mini_root, "--coordinates", "qwen3-vl").output
    assert "DIAGNOSIS" not in same and "100.00" in same


def test_answer_files_are_read_by_the_convention_that_is_named(mini_root: Path, tmp_path: Path) -> None:
    meta = json.loads((mini_root / "2D_Benchmark/meta_file/Detection_VOC2012.json").read_text())
    said = [
        {"id": item["id"], "text": json.dumps([{"box_2d": [round(1000 * box[n]) for n in (1, 0, 3, 2)], "label": each["label"]} for each in item["object"] for box in [each["bbox"]]])}
        for item in meta
    ]  # fmt: skip
    (tmp_path / "Detection_VOC2012.json").write_text(json.dumps(said))
    asked = ("score", "--answers", tmp_path, "--data-root", mini_root, "--protocol", "standard")
    lamm_bench(*asked, "--coordinates", "gemini", "--json", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["results"][0]["metrics"]["F1@0.5"]["value"] == 100.0
    assert "100 % of the places" in lamm_bench(*asked).output


def test_recipes_of_own_words_are_never_ranked_with_the_others(mini_root: Path, tmp_path: Path) -> None:
    run(
        tmp_path,
        "own",
        "--data-root",
        mini_root,
        "--recipe",
        "lamm/native",
        "--set",
        "coordinates=qwen3-vl",
        "--tasks",
        "voc2012",
    )
    run(tmp_path, "usual", "--data-root", mini_root, "--tasks", "voc2012")
    groups = [{entry.group for entry in read_run(tmp_path / name / "result.json")} for name in ("own", "usual")]
    assert not groups[0] & groups[1]
    shown = lamm_bench("leaderboard", "--results", tmp_path, "--protocol", "standard").output
    assert NATIVELY in " ".join(shown.split())


def test_the_table_of_architectures_tells_each_models_convention() -> None:
    page = (Path(__file__).parents[1] / "docs/architectures.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) >= 42
    assert {row[0]: row[-1] for row in rows} == {row[0]: of_type(row[0].split("`")[1]) or "-" for row in rows}


RESIZES = """
from dataclasses import dataclass
from lamm_bench.types import Response

@dataclass
class Resizes:
    kind: str = "good"
    name = "resizes"
    modalities = frozenset({"image"})
    coordinates = "pixels-sent"
    def fingerprint(self): return "resizes"
    def generate(self, requests):
        for number, request in enumerate(requests):
            yield number, ANSWERS[self.kind]

ANSWERS = {
    "good": Response("dog [10, 10, 50, 50]", sizes=((100, 100),)),
    "flat": Response("dog [10, 10, 50, 50]", sizes=(100, 100)),
    "zero": Response("dog [10, 10, 50, 50]", sizes=((0, 0),)),
    "text": Response("dog [10, 10, 50, 50]", sizes="large"),
    "end": Response("dog [10, 10, 50, 50]", finish="eos"),
    "none": Response(None),
}
ADAPTERS = {"resizes": Resizes}
"""


@pytest.fixture()
def resizes(tmp_path: Path, mini_root: Path) -> Any:
    (tmp_path / "resizes.py").write_text(RESIZES)

    def words(kind: str) -> tuple[object, ...]:
        model = ("--plugin", tmp_path / "resizes.py", "--model", "resizes", "--set", f"kind={kind}", "--recipe", "lamm/native")
        return ("run", *model, "--tasks", "voc2012", "--limit", 3, "--data-root", mini_root, "--output", tmp_path / kind)

    return words


@pytest.mark.parametrize("kind", ["good", "flat"])
def test_sizes_count_when_they_are_given_and_when_they_are_read_again(resizes: Any, tmp_path: Path, kind: str) -> None:
    assert lamm_bench(*resizes(kind)).exit_code == 0
    files = ("result.json", "scores/voc2012.json")
    first = [(tmp_path / kind / file).read_bytes() for file in files]
    boxes = [sample["boxes"][0]["bbox"] for sample in json.loads(first[1])["protocols"]["standard"]["samples"].values()]
    assert boxes == [[0.1, 0.1, 0.5, 0.5]] * 3
    assert lamm_bench(*resizes(kind)).exit_code == 0
    assert [(tmp_path / kind / file).read_bytes() for file in files] == first


@pytest.mark.parametrize("kind", ["zero", "text", "end", "none"])
def test_a_response_of_another_form_costs_its_own_sample(resizes: Any, tmp_path: Path, kind: str) -> None:
    result = lamm_bench(*resizes(kind))
    assert result.exit_code == 3 and "the adapter's response has" in " ".join(result.output.split()), result.output
    again = lamm_bench("score", tmp_path / kind, "--plugin", tmp_path / "resizes.py")
    assert "damaged" not in again.output and "cannot be scored" not in again.output


def test_prose_before_the_first_tokens_moves_no_name() -> None:
    text = "Sure, here they are: <loc0348><loc0123><loc0932><loc0573> dog ; <loc0001><loc0002><loc0003><loc0004> cat"
    assert [place.label for place in read_boxes(text, PETS, 4, frame("paligemma")) or ()] == ["dog", "cat"]


@pytest.mark.parametrize("text", ["fractions:scale=1000,axes=yx", "fractions:axes=yx", "gemini:axes=xy", "qwen3-vl:axes=yx"])
def test_a_changed_order_is_written_as_it_is_read(text: str) -> None:
    own = frame(text)
    places = [Place("dog", (0.1, 0.2, 0.5, 0.9))]
    assert read_boxes(render(places, own), PETS, 4, own)[0].numbers == pytest.approx(places[0].numbers, abs=0.001)  # type: ignore[index]
    point = [Place("dog", (0.1, 0.7))]
    assert read_points(render(point, own), PETS, own)[0].numbers == pytest.approx(point[0].numbers, abs=0.001)  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ["", " ", "gemini:", "qwen2.5-vl:factor=0", "qwen2.5-vl:max_pixels=1", "qwen2.5-vl:min_pixels=99999999"]
)
def test_a_convention_without_sense_is_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError):
        convention(text)
    assert (
        lamm_bench(
            "run", "--model", "oracle", "--set", f"coordinates={text}", "--recipe", "lamm/native", "--tasks", "voc2012"
        ).exit_code
        == 2
    )
    assert lamm_bench("score", tmp_path, "--coordinates", text).exit_code == 2
    assert lamm_bench("show", "voc2012", "--recipe", "lamm/native", "--coordinates", text).exit_code == 2


def test_what_a_model_would_not_be_asked_is_not_shown_as_if(mini_root: Path, tmp_path: Path) -> None:
    asked = ("show", "voc2012", "--data-root", mini_root, "--recipe", "lamm/native", "--coordinates")
    refused = lamm_bench(*asked, "molmo")
    assert refused.exit_code == 2 and "gives no boxes" in refused.output
    assert "perfect answer: ```json" in lamm_bench(*asked, "qwen3-vl").output
    assert lamm_bench("score", tmp_path, "--coordinates", "none").exit_code == 2


def test_a_report_shows_the_words_that_were_asked(mini_root: Path, tmp_path: Path) -> None:
    run(
        tmp_path,
        "r",
        "--data-root",
        mini_root,
        "--recipe",
        "lamm/native",
        "--set",
        "coordinates=gemini",
        "--tasks",
        "voc2012,lsp",
    )
    lamm_bench("report", tmp_path / "r", "--data-root", mini_root)
    page = (tmp_path / "r/report.html").read_text()
    assert "Detect every one of these in the image" in page and "give its box as [x1, y1, x2, y2]" not in page
    assert "<dt>coordinates</dt><dd>gemini</dd>" in page and "‹right ankle, " in page


@pytest.mark.parametrize("name", ["pixels", "pixels-sent", "qwen2.5-vl"])
def test_a_broken_picture_costs_its_own_sample(mini_root: Path, tmp_path: Path, name: str) -> None:
    """Sentences that name a picture's size look at its header, before anybody opens it."""
    shutil.copytree(mini_root / "2D_Benchmark", tmp_path / "data/2D_Benchmark")
    meta = json.loads((tmp_path / "data/2D_Benchmark/meta_file/Detection_VOC2012.json").read_text())
    (tmp_path / "data/2D_Benchmark" / meta[0]["image"]).write_bytes(b"no picture")
    words = ("--recipe", "lamm/native", "--set", f"coordinates={name}", "--tasks", "voc2012", "--data-root", tmp_path / "data")
    result = lamm_bench("run", "--model", "oracle", *words, "--output", tmp_path / "r")
    assert result.exit_code == 3, result.output
    (entry, *_) = json.loads((tmp_path / "r/result.json").read_text())["results"]
    assert entry["counts"]["media_error"] >= 1 and entry["counts"]["ok"] + entry["counts"]["media_error"] == len(meta)
    assert entry["metrics"]["F1@0.5"]["value"] == 100.0
