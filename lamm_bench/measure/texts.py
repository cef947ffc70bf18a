"""How near a short answer is to those that are right: exact match, containment, ANLS, relaxed accuracy, VQA accuracy, relative error.

Every figure of one answer lies between 0 and 1; the answers that are right are given as texts."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence

import numpy as np

ANLS_LEAST = 0.5  # Biten et al. 2019 (arXiv 1905.13648), section 3.2: below it a similarity counts as 0
RELAXED = 0.05  # Methani et al. 2020 (PlotQA), section 5; Masry et al. 2022 (ChartQA), section 5.1
MRA_LEVELS = tuple(0.5 + 0.05 * step for step in range(10))  # Yang et al. 2024 (VSI-Bench, arXiv 2412.14171), section 4.1
LONGEST = 4000  # characters of an answer that edit distances look at


def edit_distance(first: str, second: str) -> int:
    """Least number of insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966).

    >>> edit_distance("kitten", "sitting"), edit_distance("", "abc")
    (3, 3)
    """
    if not first or not second:
        return len(first) + len(second)
    codes = np.frombuffer(second.encode("utf-32-le"), dtype=np.uint32)
    places = np.arange(len(codes) + 1)
    row = places.copy()
    for char in first:
        step = np.empty_like(row)
        step[0] = row[0] + 1
        step[1:] = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(char)))
        row = np.minimum.accumulate(step - places) + places  # insertions, all columns at once
    return int(row[-1])


def anls(said: str, truths: Sequence[str], least: float = ANLS_LEAST) -> float:
    """Normalised Levenshtein similarity to the nearest right answer, 0 below `least` (Biten et al. 2019, equation 1).

    Both are lowered, and runs of blanks count as one, as in the evaluation of DocVQA.

    >>> anls("Hotel", ["hotel bar", "hotel"]), round(anls("hotal", ["hotel"]), 2), anls("inn", ["hotel"])
    (1.0, 0.8, 0.0)
    """
    best = 0.0
    own = " ".join(said.lower().split())[:LONGEST]
    for truth in truths:
        wanted = " ".join(truth.lower().split())
        longest = max(len(own), len(wanted))
        if not longest:
            best = 1.0
        elif 1 - abs(len(own) - len(wanted)) / longest >= max(least, best):
            best = max(best, 1 - edit_distance(own, wanted) / longest)
    return best if best >= least else 0.0


def contains(said: str, truths: Sequence[str]) -> bool:
    """Whether a right answer stands in what is said, lowered, line breaks as blanks (Liu et al. 2024, OCRBench: arXiv 2305.07895, section 3).

    >>> contains("It says HOTEL\\nBAR.", ["hotel bar"]), contains("hot", ["hotel"])
    (True, False)
    """
    own = " ".join(said.lower().split())
    return any(" ".join(truth.lower().split()) in own for truth in truths if truth.strip())


def says(said: str, truths: Sequence[str]) -> bool:
    """Whether a right answer stands in what is said as whole words, lowered, a plural s behind it or not.

    >>> says("Two desk lamps.", ["lamp"]), says("A cupboard", ["cup"])
    (True, False)
    """
    own = " ".join(re.findall(r"\w+", said.lower()))
    return any(
        re.search(rf"\b{re.escape(' '.join(words))}s?\b", own) is not None
        for words in (re.findall(r"\w+", truth.lower()) for truth in truths)
        if words
    )


def squeezed(said: str, truths: Sequence[str]) -> bool:
    """As `contains`, without any blanks: OCRBench's rule for formulas (the same section)."""
    own = "".join(said.split())
    return any("".join(truth.split()) in own for truth in truths if truth.strip())


def as_number(text: str) -> float | None:
    """A text that is a number, or a percentage as its hundredth.

    >>> as_number("1,204"), as_number("12%"), as_number("$3.5"), as_number("3 cats")
    (1204.0, 0.12, 3.5, None)
    """
    found = text.strip().lstrip("$€£").replace(",", "")
    share = found.endswith("%")
    found = found.rstrip("%").strip()
    if not re.fullmatch(r"[-+]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:e[-+]?\d{1,2})?", found, re.I):
        return None
    value = float(found)
    return None if math.isinf(value) else value / 100 if share else value


def relaxed(said: str, truths: Sequence[str], tolerance: float = RELAXED) -> bool:
    """Whether a number lies within 5 % of a right one; what is no number must be equal, in any case (Masry et al. 2022, section 5.1).

    A right answer of 0 must be met exactly.

    >>> relaxed("10.5", ["10"]), relaxed("10.6", ["10"]), relaxed("Yes", ["yes"]), relaxed("12%", ["0.12"])
    (True, False, True, True)
    """
    return any(near(said, truth, tolerance) for truth in truths)


def near(said: str, truth: str, tolerance: float) -> bool:
    own, wanted = as_number(said), as_number(truth)
    if own is None or wanted is None:
        return said.strip().casefold() == truth.strip().casefold()
    return own == wanted if wanted == 0 else abs(own - wanted) / abs(wanted) <= tolerance + 1e-12


def relative_accuracy(said: float, truth: float) -> float:
    """Mean relative accuracy: the share of ten levels, 0.5 to 0.95, at which the relative error is below one minus the level (Yang et al.
    2024, VSI-Bench, equation 1).

    >>> relative_accuracy(10, 10), relative_accuracy(9, 10), relative_accuracy(30, 10)
    (1.0, 0.8, 0.0)
    """
    if truth == 0:
        return float(said == 0)
    error = abs(said - truth) / abs(truth)
    return sum(error < 1 - level - 1e-12 for level in MRA_LEVELS) / len(MRA_LEVELS)


# ------------------------------------------------------------------------------------------------ exact match

ARTICLES = frozenset({"a", "an", "the"})


def plain_words(text: str) -> str:
    """Lowered, without punctuation, articles and needless blanks (Rajpurkar et al. 2016, SQuAD, section 6.1).

    >>> plain_words("The  brown table."), plain_words("a 3.5-inch disk")
    ('brown table', '35inch disk')
    """
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(word for word in bare.split() if word not in ARTICLES)


def exact(said: str, truths: Sequence[str]) -> bool:
    """EM: equal but for case and blanks at the ends. Azuma et al. 2022 (ScanQA) and Ma et al. 2023 (SQA3D) count membership."""
    return said.strip().casefold() in {truth.strip().casefold() for truth in truths}


def exact_plain(said: str, truths: Sequence[str]) -> bool:
    """Equal but for case, punctuation, articles and blanks."""
    own = plain_words(said)
    return any(own == plain_words(truth) for truth in truths) if own else exact(said, truths)


def exact_refined(said: str, truths: Sequence[str]) -> bool:
    """EM-R: equal, or one stands within the other without its blanks, both `cleaned` (Huang et al. 2024, LEO: arXiv 2311.12871; its
    evaluator, evaluator/scanqa_eval.py). Letters within a word count too, as there: `art` is within `party`.

    >>> exact_refined("on the left side", ["left"]), exact_refined("2", ["two"]), exact_refined("left", ["right"]), exact_refined("", ["a"])
    (True, True, False, False)
    """
    own = "".join(cleaned(said).split())
    return bool(own) and any(
        own in truth or truth in own for truth in ("".join(cleaned(each).split()) for each in truths) if truth
    )


def f_value(said: str, truths: Sequence[str]) -> float:
    """The harmonic mean of the shares of words that the other text has too, to the nearest right answer, 1 for an exact match (Azuma et al.
    2022, ScanQA: scripts/score.py, commit 422dde5, which compares lemmas of nouns; words are compared here).

    >>> f_value("brown", ["brown table"]), f_value("white", ["brown"]), f_value("Brown table", ["brown table"])
    (0.6666666666666666, 0.0, 1.0)
    """
    if exact(said, truths):
        return 1.0
    own, best = said.lower().split(), 0.0
    for truth in truths:
        wanted = truth.lower().split()
        precision = sum(word in wanted for word in own) / len(own) if own else 0.0
        recall = sum(word in own for word in wanted) / len(wanted) if wanted else 0.0
        best = max(best, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return best


SPELLED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
).split()
# what the answers of SQA3D and ScanQA are mistyped as, after LEO's data/data_utils.py (commit 477dc44)
RESPELLED = {
    **{str(number): word for number, word in enumerate(SPELLED)},
    "23": "twenty-three",
    "none": "zero",
    "letf": "left",
    "let": "left",
    "tehre": "there",
    "rigth": "right",
    "rght": "right",
    "behine": "behind",
    "chai": "chair",
    "wasing": "washing",
    "waslked": "walked",
    "oclock": "o'clock",
    "backwards": "backward",
}
WORD = re.compile(r"\b(?:" + "|".join(sorted(RESPELLED, key=len, reverse=True)) + r")\b")
NUMBERED = re.compile(r"\b([a-zA-Z]+)[0-9]\b")
ARTICLE = re.compile(r"\b(?:an?|the)\b (?=[a-zA-Z])")


def cleaned(text: str) -> str:
    """An answer as LEO's evaluator compares it: lowered, marks dropped but for , ' - and :, numbers up to twenty in words, known
    misspellings mended, articles left out.

    >>> cleaned("The 3 chais."), cleaned("  to the LETF"), cleaned("room2")
    ('three chais', 'to left', 'room')
    """
    said = re.sub(r"[^a-z0-9,'\s\-:]+", "", " ".join(text.lower().split(" ")).strip(" ").replace("\u2019", ""))
    said = re.sub(" {2,}", " ", said)
    said = WORD.sub(lambda word: RESPELLED[word[0]], said)
    return ARTICLE.sub("", NUMBERED.sub(r"\1", said))


# ------------------------------------------------------------------------------------------------ VQA accuracy

PEOPLE = 10  # answers of a question
AGREE = 3  # of them for a full point
DIGITS = {word: str(value) for value, word in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "none": "0"
}
MARKS = ';/[]"{}()=+\\_-><@`,?!'
COMMA = re.compile(r"(?<=\d),(?=\d)")
PERIOD = re.compile(r"\.(?!\d)")
SHORT = (
    "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll "
    "how's I'd've I'm I've isn't it'd it'd've it'll let's ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't "
    "'ow's'at shan't she'd've she's should've shouldn't shouldn't've somebody'd somebody'd've somebody'll somebody's someone'd someone'd've "
    "someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've they'll they're "
    "they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's "
    "who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've"
).split()
CONTRACTIONS = {
    key: word for word in SHORT for key in {word.replace("'", ""), word.replace("'", "", 1), word[::-1].replace("'", "", 1)[::-1]}
}
CONTRACTIONS = {
    key: word
    for key, word in CONTRACTIONS.items()
    if key != word and key not in ("its", "hell", "shell", "wed", "well", "id", "ill")
}


def vqa_words(text: str) -> str:
    """A text as the VQA evaluation compares it (Antol et al. 2015; visualqa.org/evaluation): lowered, number words up to ten as digits,
    without articles, periods that are no decimal point and other marks; contractions have their apostrophe.

    >>> vqa_words("The two dogs."), vqa_words("dont"), vqa_words("1,000"), vqa_words("red/blue"), vqa_words("3.5")
    ('2 dogs', "don't", '1000', 'red blue', '3.5')
    """
    text = text.replace("\n", " ").replace("\t", " ").strip()
    numbers = COMMA.search(text) is not None
    out = text
    for mark in MARKS:
        beside = f"{mark} " in text or f" {mark}" in text
        out = out.replace(mark, "" if beside or numbers else " ")
    out = PERIOD.sub("", out)
    words = (DIGITS.get(word, word) for word in out.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


def vqa_accuracy(said: str, truths: Sequence[str]) -> float:
    """min(1, agreeing / 3), the mean over all ways to leave one of the people out (Antol et al. 2015, section 3.3; visualqa.org/evaluation).

    >>> people = ["red"] * 2 + ["dark red"] * 8
    >>> round(vqa_accuracy("red", people), 2), vqa_accuracy("Dark red.", people), vqa_accuracy("blue", people)
    (0.6, 1.0, 0.0)
    """
    own = vqa_words(said)
    found = [vqa_words(truth) == own for truth in truths]
    agree = sum(found)
    if len(found) < 2:
        return float(agree)
    return sum(min(1.0, (agree - one) / AGREE) for one in found) / len(found)
