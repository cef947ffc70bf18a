"""Reading answers: nothing is guessed, nothing raises, time is linear, and what the oracle writes is read back."""

from __future__ import annotations

import doctest
import importlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lamm_bench.read
from lamm_bench.read import (
    Lexicon,
    read_boxes,
    read_caption,
    read_choice,
    read_labels,
    read_number,
    read_points,
    read_quoted,
    read_sign,
    read_words,
    read_yes_no,
    says_nothing,
)
from lamm_bench.tasks.classification import CIFAR10, UCMERCED
from lamm_bench.tasks.detection import VOC
from lamm_bench.tasks.facial import NOT_SMILING, SMILING
from lamm_bench.tasks.hair import HAIR, of_hair
from lamm_bench.tasks.loading import place_text

PARTS = sorted(file.stem for file in Path(lamm_bench.read.__file__).parent.glob("[a-z]*.py"))
READERS = {
    "labels": lambda text: read_labels(text, CIFAR10.vocabulary(())),
    "hair": lambda text: read_labels(text, HAIR.vocabulary(()), of_hair),
    "sign": read_sign,
    "caption": read_caption,
    "boxes": lambda text: read_boxes(text, VOC.vocabulary(())),
    "rooms": lambda text: read_boxes(text, VOC.vocabulary(()), 6),
    "points": lambda text: read_points(text, VOC.vocabulary(())),
    "choice": lambda text: read_choice(text, ("cell", "cell wall", "the answer is (A)", "100")),
    "number": read_number,
    "yes": lambda text: read_yes_no(text, SMILING, NOT_SMILING),
    "quoted": read_quoted,
    "words": read_words,
    "nothing": says_nothing,
}
PIECES = [
    *(
        "cat ",
        "[",
        "]",
        "(",
        ")",
        "0.1",
        ", ",
        "0.25 0.5",
        "1e9999",
        "nan",
        "dog",
        "the answer is ",
        "(B)",
        "B. ",
        "no ",
        "not a ",
        "\n",
        ". ",
    ),
    *(
        "twenty ",
        "hundred ",
        "and ",
        '"',
        "“",
        "n't",
        "%",
        "−1",
        "x1=",
        "option ",
        "A",
        "smiling",
        "whether ",
        "０.５",
        "1,000",
        "{",
        "}",
        "if ",
    ),
]


@pytest.mark.parametrize("name", [*(f"read.{name}" for name in PARTS), "measure.geometry"])
def test_the_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(f"lamm_bench.{name}")).failed == 0


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(text=st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_no_text_makes_a_reader_raise(reader, text):
    reader(text)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    "unit",
    ["1", "a", " ", "[", "]", "[1 ", "(", "((1,", "1,", "1.1", ".", "-", '"', "cat ", "[0.1,0.2,0.3,0.4] ", "the answer is ", "(A) or ", "!a",
     "no ", "x\n", "\n", "*", "aé", "not a ", "e1", "twenty hundred ", "A.\n", "“", "½", "0.1 to ", "A ", '{"a": ', "<", "x1=0.1 ", "does it? "],
)  # fmt: skip
def test_time_grows_with_the_text_and_not_faster(reader, unit):
    """64,000 characters in well under the time that a quadratic reader would take (minutes)."""
    text = (unit * (64_000 // len(unit)))[:64_000]
    start = time.process_time()
    reader(text + "x")
    assert time.process_time() - start < 5


numbers = st.floats(-1e6, 1e6, allow_nan=False)
pets = VOC.vocabulary(())


@given(st.lists(st.tuples(st.sampled_from(sorted(VOC.aliases)), st.tuples(*[numbers] * 4)), min_size=1, max_size=6))
def test_rendered_boxes_are_read_back(objects):
    text = "; ".join(f"{label} {place_text(box)}" for label, box in objects)
    assert [(place.label, place.numbers) for place in read_boxes(text, pets) or ()] == objects


@given(st.lists(st.tuples(st.sampled_from(sorted(VOC.aliases)), st.tuples(*[numbers] * 6)), min_size=1, max_size=6))
def test_rendered_room_boxes_are_read_back(objects):
    text = "; ".join(f"{label} {place_text(box)}" for label, box in objects)
    assert [(place.label, place.numbers) for place in read_boxes(text, pets, 6) or ()] == objects


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_rendered_points_are_read_back(points):
    assert [place.numbers for place in read_points("; ".join(map(place_text, points))) or ()] == points


@given(st.integers(0, 10**9))
def test_numbers_are_read_back_with_and_without_separators(number):
    assert read_number(str(number)) == read_number(f"There are {number:,} of them.") == number


@given(st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=6), st.data())
def test_an_option_letter_is_read_back_whatever_the_options_say(choices, data):
    index = data.draw(st.integers(0, len(choices) - 1))
    letter = "ABCDEF"[index]
    for text in (f"({letter})", letter, f"{letter}.", f"The answer is ({letter}).", f"The answer is {letter}"):
        assert read_choice(text, choices) == index


@given(
    st.lists(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1, max_size=5, unique_by=str.casefold
    ),
    st.data(),
)
def test_a_label_of_any_file_is_read_back(labels, data):
    label = data.draw(st.sampled_from(labels))
    vocabulary = Lexicon({}).vocabulary(labels)
    assert vocabulary.named(label) == (vocabulary.label(label),)


def names(text: str, lexicon: Lexicon = CIFAR10, labels: tuple[str, ...] = ()) -> tuple[str, ...]:
    return read_labels(text, lexicon.vocabulary(labels), of_hair if lexicon is HAIR else None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("It is a cat.", ("cat",)),
        ("CATS!", ("cat",)),
        ("a plane", ("airplane",)),
        ("`deer`", ("deer",)),
        ("'car'", ("automobile",)),
        ("cat/dog", ("cat", "dog")),
        ("dog-like", ()),
        ("caterpillar", ()),
        ("horseback", ()),
        ("scar", ()),
        ("d o g", ()),
        ("There is no automobile in the picture, only airplane.", ("airplane",)),
        ("This isn't a dog", ()),
        ("Definitely truck, never a horse.", ("truck",)),
        ("Is it a dog? No, a cat.", ("cat",)),
        ("a fire truck", ("truck",)),
        ("", ()),
    ],
)
def test_classes_are_named_by_whole_words_aliases_and_plurals(text, named):
    assert names(text) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a baseball diamond", ("baseballdiamond",)),
        ("tennis-court\n", ("tenniscourt",)),
        ("Storage Tank", ("storagetanks",)),
        ("building", ("buildings",)),
        ("golf course and a river", ("golfcourse", "river")),
        ("residential", ()),
    ],
)
def test_land_use_labels_are_split_into_words(text, named):
    assert names(text, UCMERCED) == named


def test_a_file_with_other_labels_is_read_by_its_own_names():
    labels = ("French loaf", "black swan", "swan", "Shih-Tzu", "St. Bernard")
    species = Lexicon({})
    assert names("two black swans", species, labels) == ("black swan",)
    assert names("a Shih Tzu", species, labels) == ("Shih-Tzu",)
    assert names("St Bernard", species, labels) == ("St. Bernard",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("grey", "gray"),
        ("blonde hair", "blond"),
        ("She's a brunette", "brown"),
        ("Black-haired", "black"),
        ("white hair", "gray"),
    ],
)
def test_hair_colours_have_other_names(text, named):
    assert names(text, HAIR) == (named,)


def test_hair_over_a_white_shirt_is_not_grey():
    assert names("black hair and a white shirt", HAIR) == ("black",)


def test_the_files_own_spelling_of_a_colour_takes_over_its_family():
    assert names("gray", HAIR, ("Grey", "Black")) == ("Grey",)


@pytest.mark.parametrize(
    ("text", "smiles"),
    [
        ("Yes.", True),
        ("No!", False),
        ("Nah", False),
        ("No,she is serious", False),
        ("She isn't smiling", False),
        ("She isn’t smiling", False),
        ("not_smiling", False),
        ("non-smiling", False),
        ("no smile", False),
        ("Not at all", False),
        ("She does not smile; her mouth is closed.", False),
        ("The person seems to be smiling and happy.", True),
        ("He is smiling without showing teeth", True),
        ("She is not really showing any kind of smile", False),  # six words before it
        ("She is not really showing us any kind of smile", True),  # seven: said of something else
        ("Yes and no", None),
        ("I cannot tell whether she is sad, tired or smiling", None),
        ("Neutral expression.", False),
        ("knot", None),
        ("nothing to see", None),
        ("Unclear.", None),
        ("I cannot tell if she is smiling", None),
        ("No, but yes", None),
        ("", None),
    ],
)
def test_smiles_are_read_as_words_with_contractions(text, smiles):
    assert read_yes_no(text, SMILING, NOT_SMILING) is smiles


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("I count 12 balls.", 12),
        ("(10)", 10),
        ("10,", 10),
        ("1,190 birds", 1190),
        ("about 377+", 377),
        ("eleven", 11),
        ("Twenty-one candles", 21),
        ("one hundred", 100),
        ("a dozen", 12),
        ("there are no doubt 5", 5),
        ("no watches", 0),
        ("zero", 0),
        ("9.0", 9),
        ("٣ grapes", 3),
        ("-46", -46),
        ("Row 1 has 3, row 2 has 4, so the total is 7", 7),
        ("The answer is 3. No, the answer is 5 of 9.", 5),
        ("12 in total before, 15 in total now", 15),
        ("7 or 8", None),
        ("This one is hard", None),
        ("the 3rd picture", None),
        ("90% sure", None),
        ("many", None),
        ("ten", 10),
        ("", None),
    ],
)
def test_numbers_are_read(text, number):
    assert read_number(text) == number


OPTIONS = ("It has thorns.", "It fell over in a storm.", "It fell over.")


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("The answer is (B).\n", 1),
        ("The answer is B", 1),
        ("“The answer is (A).”", 0),
        ("The answer is:(C)", 2),
        ("ANSWER: A, sorry, ANSWER: B", 1),
        ("The answer is ANSWER: A\n", 0),
        ("Some say the answer is (C). I agree: The answer is (C).\n The answer is (C)\n", 2),
        ("We can exclude (A) quickly. It fell over in a storm", 1),
        ("Not (A). Option C.", 2),
        ("At first (A) looked right. In the end (C) fits.", 2),
        ("it fell over in a storm", 1),
        ("It fell over.", 2),
        ("I think it has thorns", 0),
        ("(B) or (C)", None),
        ("(A), (B), (C)", None),
        ("The answer is (G).", None),
        ("It has thorns. It fell over.", None),
        ("reasoning\nB", 1),
        ("(B", 1),
        ("**C**", 2),
        ("Unclear.", None),
    ],
)
def test_choices_are_read(text, index):
    assert read_choice(text, OPTIONS) == index


def test_an_option_inside_a_longer_one_does_not_count():
    assert read_choice("the cell wall", ("cell", "cell wall")) == 1
    assert read_choice("It is hard to say which.\nB", ("cat", "dog")) == 1
    assert read_choice("It is hard to say which.\na", ("cat", "dog")) is None  # an article as well as a letter
    assert read_choice("100", ("10", "100", "1")) == 1


def labels(text: str) -> list[str | None]:
    return [place.label for place in read_boxes(text, pets) or ()]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cat [0, 0, 1, 1]; dog [0, 0, 1, 1]", ["cat", "dog"]),
        ("cat [0, 0, 1, 1], dog [0, 0, 1, 1] and a car [0, 0, 1, 1]", ["cat", "dog", "car"]),
        ("cats [0, 0, 1, 1], [0, 0, 1, 1]\ndog [0, 0, 1, 1]", ["cat", "cat", "dog"]),
        ("[0, 0, 1, 1] is a cat, [0, 0, 1, 1] is a dog", ["cat", "dog"]),
        (
            "An object at [0, 0, 1, 1] is classified as people and one at [0, 0, 1, 1] belongs to the boat category.",
            ["person", "boat"],
        ),
        (
            "The region [0, 0, 1, 1] holds a sheep. At position [0, 0, 1, 1], the thing falls under the category of sofa.",
            ["sheep", "sofa"],
        ),
        ('[{"label": "cat", "bbox": [0, 0, 1, 1]}, {"label": "dog", "bbox": [0, 0, 1, 1]}]', ["cat", "dog"]),
        ('[{"bbox_2d": [0, 0, 1, 1], "label": "cat"}, {"bbox_2d": [0, 0, 1, 1], "label": "dog"}]', ["cat", "dog"]),
        ("cat [0, 0, 1, 1]. A unicorn: [0, 0, 1, 1]", ["cat", None]),
        ("No car can be located. A bus: [0, 0, 1, 1]", ["bus"]),
        ("The region [0, 0, 1, 1] holds a sheep. At [0, 0, 1, 1] something stands.", ["sheep", None]),
        ("I see a cat.\nIt is at [0, 0, 1, 1].", ["cat"]),
    ],
)
def test_a_box_takes_the_class_next_to_it(text, named):
    assert labels(text) == named


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("[0.1; 0.2; 0.3; 0.4]", 1),
        ("{0.1/0.2/0.3/0.4}", 1),
        ("[x1, y1, x2, y2] = [0.1, 0.2, 0.3, 0.4]", 1),
        ("[x1=0.1, y1=0.2, x2=0.3, y2=0.4]", 1),
        ("[0.1, 0.2, 0.3, 0.4", 1),
        ("0.1, 0.2, 0.3, 0.4]", 1),
        ("cat [0.1, 0.2, 0.3, 0.4 dog [0.5, 0.6, 0.7, 0.8]", 2),
        ("[0.1, 0.2, 0.3, 0.4][0.5, oops, 0.7, 0.8]", 1),
        ("[0.1, 0.2, 0.3, nan] (0.1, 0.2, 0.3, 0.4)", 1),
        ("[0.1, 0.2] [0.3, 0.4]", 0),
        ("[10%, 20%, 30%, 40%]", 0),
        ("I count 1, 2, 3, 4 things", 0),
        ("[１.0, ０.2, 0.3, 0.4]", 1),
    ],
)
def test_bracket_groups_are_read_one_by_one(text, boxes):
    assert len(read_boxes(text) or ()) == boxes


def test_a_bad_token_does_not_poison_the_next_group():
    """Reference, Appendix H, O1: upstream's buffer is never cleared."""
    assert [place.numbers for place in read_boxes("[x1, 0.2, 0.3, 0.4] [0.5, 0.6, 0.7, 0.8]") or ()] == [(0.5, 0.6, 0.7, 0.8)]


def test_metres_are_a_unit_in_rooms_only():
    assert read_boxes("[1m, 2 m, 3m, 1.5 metres, 1m, 1m]", size=6)[0].numbers == (1, 2, 3, 1.5, 1, 1)  # type: ignore[index]
    assert read_boxes("[0.1m, 0.2m, 0.3m, 0.4m]") is None


def test_pixels_are_taken_as_they_stand():
    assert read_boxes("[195, 50, 284, 177]")[0].numbers == (195, 50, 284, 177)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "nothing"), [("none", True), ("No objects were found.", True), ("", False), ("I can't see", False), ("no", False)]
)
def test_nothing_there_must_be_said(text, nothing):
    assert says_nothing(text) is nothing


@pytest.mark.parametrize(
    "options",
    [
        ["left", "right"],
        ["yes", "no"],
        ["true", "false"],
        ["right", "wrong"],
        ["best", "worst"],
        ["wrong answer", "correct answer"],
        ["fits", "stands", "no"],
    ],
)
@pytest.mark.parametrize("form", ["({letter}) {text}\n", "{letter}. {text}\n", "{letter}: {text}, ", "({letter}) {text} or "])
@pytest.mark.parametrize("before", ["", "Which of them is it?\n", "Options: "])
def test_options_that_are_only_repeated_choose_nothing(options: list[str], form: str, before: str) -> None:
    """What an option says is no word on an option: `(B) right` is none on B."""
    told = "".join(form.format(letter=letter, text=text) for letter, text in zip("ABC", options))
    listed = before + told.removesuffix(" or ").removesuffix(", ")
    assert read_choice(listed, options) is None
    assert read_choice(f"{listed}\n\nAnswer: B", options) == 1
    assert read_choice(f"({'B'}) {options[1]}", options) == 1
