"""What upstream's classes do at the edges of their readings and files (OpenGVLab/LAMM at `ea57136`), where no case of the goldens comes by."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.overrides import overridden
from lamm_bench.errors import BenchError, UpstreamStops
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure.following import read_word
from lamm_bench.measure.stats import ratio
from lamm_bench.measure.sure import calibration_of
from lamm_bench.tasks.chef_scenarios import flickr30k, mmbench, mme, omnibenchmark, winoground
from lamm_bench.tasks.chef_scenarios.cleaner import cleaned
from lamm_bench.tasks.chef_scenarios.extractor import Extracted, extract
from lamm_bench.tasks.chef_scenarios.mmmu_reading import open_answer, open_right
from lamm_bench.tasks.chef_scenarios.omnibenchmark_scoring import ChainScorer
from lamm_bench.tasks.chef_scenarios.voc2012_scoring import marked_boxes
from lamm_bench.types import Metric, Row, Sample

from .chef_made import lamm_files, make_scenarios

ROMAN = ("I", "II", "III", "IV")
LETTERS = ("(B", "(C", "(A")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenarios(tmp_path_factory.mktemp("chef"))


@pytest.mark.parametrize(
    ("text", "words", "wanted"),
    [
        ("II.", ROMAN, "II"),  # `I`s are taken off for the end of `<Img>`, and no capital is left before the full stop
        ("IV.", ROMAN, None),  # a V is
        ("It is II.", ROMAN, "I"),
        ("<s>II.</s>", ROMAN, None),
        ("(A###X.", LETTERS, "(A"),  # what stands behind ### is not looked through for a capital
        ("X###(A", LETTERS, None),  # nor is a bracket there
        ("foo ### In C.", ("foo", "dog"), "foo"),
        ("Plan C. Assistant: dog", ("foo", "dog"), "dog"),
        ("dog Assistant: plan C.", ("foo", "dog"), None),
    ],
)
def test_words_are_looked_for_in_the_whole_answer_but_capitals_are_not(text: str, words: tuple[str, ...], wanted: str) -> None:
    assert read_word(text, words) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hell be wed, lets see thatd", "hell be wed lets see thatd"),  # VQA's list has none of them
        ("therere, whereve", "there're where've"),
        ("shed've she'dve", "she'd've she'd've"),
        ("couldnt've wouldn'tve didnt've", "couldn't've wouldn't've didnt've"),
        ("yall'd've y'alld've yall'll y'allll", "y'all'd've y'all'd've y'all'll y'all'll"),
        ("somebody'd somebodyd", "somebodyd somebodyd"),
        ("twas maam at ten oclock", "'twas ma'am at 10 o'clock"),
        ("'ows'at Im", "'ow's'at im"),
    ],
)
def test_apostrophes_come_back_where_the_list_of_vqa_has_them(text: str, wanted: str) -> None:
    assert cleaned(text) == wanted


@pytest.mark.parametrize(
    ("text", "truth", "right"),
    [
        ("the length is 4 cm =", "length", True),  # nothing stands behind `=`, so the whole text counts
        ("so the oak is \n12", "oak", True),
        ("so the oak is \nthe answer is 12", "oak", False),
        ("the oak is the final \nx = 2", "oak", False),
        ("the final result \nx = 2", "2", True),
    ],
)
def test_an_empty_end_of_an_open_answer_silences_its_line(text: str, truth: str, right: bool) -> None:
    assert open_right(open_answer(text), [truth]) is right


def test_marks_of_places_stand_in_angle_brackets_on_one_line() -> None:
    one, other = "<patch_index_0000>", "<patch_index_0528>"
    assert marked_boxes(f"<object>{one} and {other}</object>") == [(0.0, 0.0, 0.5, 0.5)]
    assert marked_boxes(f"<object>{one}\n{other}</object>") == []
    assert marked_boxes(f"<object>{one[1:-1]}{other[1:-1]}</object>") == []


def test_an_eighth_option_stops_upstream_only_where_it_is_looked_at() -> None:
    eight = tuple(f"tree {place}" for place in range(8))
    assert extract("tree 2", eight) == Extracted("C", "content")
    for text in ("tree 7", "a tree 2"):
        with pytest.raises(UpstreamStops):
            extract(text, eight)


def test_turns_that_are_not_four_stop_upstream() -> None:
    sample = Sample("1", "", (), 0, "g", (), (), {"chain": tuple("abcd"), "ids": ((),) * 4})
    scorer = ChainScorer()
    said = {str(number): letter for number, letter in enumerate("abcd")}
    assert scorer.score(sample, scorer.read(said, sample))["depth"] == 4
    for answer in ({**said, "4": "e"}, dict(list(said.items())[:3])):
        with pytest.raises(UpstreamStops):
            scorer.read(answer, sample)


# files


def test_a_caption_of_two_pictures_is_a_wrong_option_to_upstream_alone(tmp_path: Path) -> None:
    lamm_files(tmp_path, Random(0))
    sentences = [[f"Number {number} in place {place}" for place in range(4)] + ["The same"] for number in range(2)]
    entries = [
        {"id": number, "image": f"CIFAR/{number}.png", "query": "?", "sentences": own} for number, own in enumerate(sentences)
    ]
    base = tmp_path / "LAMM/2D_Benchmark"
    (base / "meta_file/Caption_flickr30k.json").write_text(json.dumps(entries))
    rest = [sentence for own in sentences for sentence in own]
    for sentence in sentences[0]:
        rest.remove(sentence)
    stream = Random(0)
    stream.shuffle(rest)
    assert list(flickr30k.items(tmp_path, "random"))[0]["options"][:3] == rest[:3]
    vectors = {sentence: [1.0, float(sentence == "The same")] for own in sentences for sentence in own}
    (base / flickr30k.VECTORS).write_text(json.dumps(vectors))
    theirs = list(flickr30k.items(tmp_path, "top_p"))[0]["options"]
    assert theirs[:5] == sentences[0] and "The same" in theirs[5:]
    for task in flickr30k.TASKS[1:]:
        for sample in task.samples(tmp_path):
            assert sum(choice in sample.target for choice in sample.choices) in (1, 5), task.name


def test_a_name_stands_for_the_last_category_that_has_it_at_all(tmp_path: Path) -> None:
    omni = tmp_path / "ChEF/OmniBenchmark_Bamboo"
    names = {"n1": ["root"], "n2": ["oak", "tree"], "n3": ["elm"], "n4": ["fir"], "n5": ["ash", "elm"]}
    tree = omnibenchmark.Bamboo(names, {}, {}, {name: one for one, several in names.items() for name in several})
    assert tree.known(["n2", "n3", "n4", "n5"], "oak") == ["fir", "ash"]  # `elm` leads to n5
    assert tree.known(["n2", "n4"], "tree") == ["fir"]  # n2 is what `tree` stands for
    make_scenarios(tmp_path)
    file = tmp_path / "Bamboo/tree.json"
    told = json.loads(file.read_text())
    (omni / "meta_file").mkdir(parents=True, exist_ok=True)
    own = next(one for one, several in told["id2name"].items() if several == ["kind aaaa"])
    told["id2name"]["n999"] = ["another", told["id2name"][own][0]]
    file.write_text(json.dumps(told))
    assert omnibenchmark.bamboo(tmp_path).ids["kind aaaa"] == "n999"


def test_numbers_of_winoground_are_the_ids_of_its_file(tmp_path: Path) -> None:
    make_scenarios(tmp_path)
    file = tmp_path / winoground.FILE
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({**line, "id": 10 * line["id"] + 7}) + "\n" for line in lines[::-1]))
    assert [item["id"] for item in winoground.items(tmp_path)][:5] == [308, 309, 310, 311, 268]
    assert [item["main_id"] for item in winoground.items_cap(tmp_path)][:2] == [77, 67]
    file.write_text("".join(json.dumps({**line, "id": f"w{line['id']}"}) + "\n" for line in lines))
    assert [item["main_id"] for item in winoground.items_cap(tmp_path)][:2] == [0, 1]


def test_cells_of_mmbench_are_empty_where_pandas_says_so_and_keep_their_letters(tmp_path: Path) -> None:
    folder = tmp_path / "MMBench"
    folder.mkdir()
    row = {
        "index": "7",
        "question": "Which?",
        "hint": "#N/A N/A",
        "A": "oak",
        "B": "elm",
        "C": "1.#QNAN",
        "D": "fir",
        "answer": "B",
    }
    with (folder / "mmbench_dev_20230712.tsv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row), delimiter="\t")
        writer.writeheader()
        writer.writerow(row)
    (item,) = mmbench.items(tmp_path)
    assert item["choices"] == ["oak", "elm", "fir"] and item["options"] == ["(A", "(B", "(D"]
    assert item["question"] == "Which? Options:\n(A) oak\n(B) elm\n(D) fir\n"


def test_lines_of_mme_lose_their_edges_and_the_request_wherever_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("  Is it? Please answer yes or no.  \tYes \n")
    assert list(mme.lines_of(file)) == [("Is it? Please answer yes or no.  ", "Yes")]
    make_scenarios(tmp_path)
    text = next((tmp_path / "MME").rglob("*.txt"))
    text.write_text("Is it? Please answer yes or no. Or is it?\tYes\n")
    assert "Is it? Or is it?" in {item["question"] for item in mme.items(tmp_path, generative=True)}


def test_own_texts_take_the_place_of_a_recipes_numbers_from_the_command_line() -> None:
    recipe, own = load_catalog().recipes["chef/scienceqa/ppl"](), "instruction.defined_prompt={question} Which?"
    assert overridden(recipe, [own, "instruction.prompt=null"]).instruction.defined_prompt == ("{question} Which?",)
    with pytest.raises(BenchError, match="instruction.prompt=null"):
        overridden(recipe, [own])


def test_a_tree_of_another_form_is_one_sentence(tmp_path: Path) -> None:
    make_scenarios(tmp_path)
    file = tmp_path / "Bamboo/tree.json"
    right = json.loads(file.read_text())
    for key in right:
        for odd in (None, 3, "n1", [3], [["n1"]], {}):
            file.write_text(json.dumps({**right, key: {**right[key], next(iter(right[key])): odd}}))
            with pytest.raises(BenchError, match=f"`{key}` of"):
                list(omnibenchmark.samples(tmp_path))


def test_numbers_that_no_float_holds_are_no_likelihoods(tmp_path: Path) -> None:
    file = tmp_path / "ScienceQA.json"
    file.write_text(f'[{{"id": 1, "answer": "(A)", "prob": 1{"0" * 400}, "ppl_results": [-1{"0" * 400}, -1]}}]')
    found = read_answers(file)
    assert found.scores == ((),) and found.probs == (None,)


def test_likelihoods_of_other_options_tell_nothing_of_how_sure_it_is(tmp_path: Path) -> None:
    samples = [Sample(str(n), "Which?", (), 0, str(n), ("a", "b")) for n in range(4)]
    rows = [Row(sample, "ok", "(A)", 0, {"correct": 1.0, "items": 1.0}) for sample in samples]
    metric = Metric("accuracy", ratio("correct", "items"))
    right, other = (-0.1, -2.0), (-0.1, -2.0, -3.0, -4.0)
    assert calibration_of(metric, rows, [right, right, right, other]) == calibration_of(metric, rows[:3], [right] * 3)
    assert calibration_of(metric, rows, [other] * 4) == {}
