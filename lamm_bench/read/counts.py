"""How many things an answer says there are; None where it says no number, a range, or several numbers of which none is the total."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .numerals import GROUPS, SCALES, SMALL, chinese, spell
from .refusals import refuses
from .vocabulary import fold
from .wrappers import answer_of

KEYS = ("count", "total", "totalcount", "number", "quantity", "num", "totalnumber", "objectcount", "n")
MOST = 10_000  # words and numbers that are looked at, at the beginning and at the end
NEAR = 64  # characters before and behind a number that say what it counts
NUMERAL = re.compile(
    r"(?P<word>[^\W\d_]+)|(?P<mark>[.,;:!?\n])|(?P<digits>(?<![a-z_\d.])(?<!\d,)[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\.?\d|e[-+]?\d|,\d{3}(?!\d)))(?:\s?(?P<kilo>k)\b)?"
)
DIGIT, LETTERS = re.compile(r"\d"), re.compile(r"[^\W\d_]+")
BEGINNINGS = frozenset({*SMALL, "half", "a", "an", "one", "single"})  # words with which a number may begin
NUMBERS = frozenset({*SMALL, *GROUPS, *SCALES, "half", "single"})  # without any of these and without a digit there is none
TAG = re.compile(r"<[^<>]{0,1000}>")
# what a number right behind these words numbers or measures, not counts
BEFORE = re.compile(
    r"(?:[#$€£±@]|\b(?:no\.|number|figure|fig|image|picture|photo|step|row|column|group|cluster|section|question|option|part|page|line|level|version|class|item|object|region|area|box"
    r"|type|stage|phase|lane|track|chapter|size|aged?|confidence|probability|score|certainty|accuracy|width|height|rows?|columns?|radius|seed|iso)\b[\s\"':]{0,4})$"
)
YEAR = re.compile(r"(?:\b(?:in|from|since|of|year|circa|dated|photo|by|until|before|after|early|late|around)|©|\()\s*$")
BEHIND = re.compile(
    r"\s?(?:%|percent\b|per cent\b|(?:st|nd|rd|th)\b|°|degrees?\b|cm\b|mm\b|km\b|kg\b|px\b|pixels?\b|mp\b|years?\b|hours?\b|minutes?\b|seconds?\b|o'clock|am\b|pm\b)|:\d\d|-[a-z]|\s?[x×*]\s?\d"
    r"|(?:st|nd|rd|th)\b|/\d"
)
TIMES = re.compile(r"\d\s?[x×*]\s?$")
MARKER = re.compile(r"^[ \t]{0,6}\d{1,3}[.)][ \t]+(?=\S)", re.M)
STRONG = re.compile(
    r"\b(?:answer|total|(?<!me )(?<!to )(?<!i )(?<!we )(?<!us )count|altogether|overall|sum|estimate|estimated|result|tally|final|number|in all)\b[^.;!?\n\d]{0,48}?"
    r"(?:\b(?:is|are|was|were|be|of|to|has|about|approximately|roughly|around|exactly|there|at|as|comes|would)\b|[:=→>-])[\s\"'(\[~≈]*(?:about|approximately|roughly|around|exactly)?\s*$"
    r"|\b(?:total|answer)\s*$|答案[是为:：]?\s*$|一共(?:有)?\s*$|总共(?:有)?\s*$|共\s*$|\b(?:gesamt|insgesamt|total de|au total|всего|итого)\W{0,3}$"
)
TOTAL = re.compile(r"[\s)\]\"']*(?:\w{1,20}\s){0,3}(?:in total|in all|altogether|total|overall|all together|combined)\b")
WEAK = re.compile(
    r"(?:=|=>|->|→|≈|\b(?:so|therefore|thus|hence|makes?|making|giving|gives?|equals?|i\.e\.|that is|that's|which is|yields?|adds up to|add up to|sums? to|comes to|amounts? to|results? in|arrives? at)"
    r"\b[,:]?)[^.;!?\n\d=]{0,32}$"
)
AGAIN = re.compile(
    r"\b(?:actually|again|wait|correction|rather|recount\w*|no|sorry|but|however|instead|closer)\b[^.;\n\d]{0,60}$"
)
RANGE = re.compile(r"\s?(?:\w{1,12}\s)?(?:-|–|—|~|to|or|up to)\s?(?:about |around )?$")
BETWEEN = re.compile(r"\b(?:between|from|anywhere)\b[^.;\n]{0,20}$")
# behind these words stands where, or of how many each, not how many
PLACED = re.compile(
    r"\b(?:in|on|across|from|per|of|into|among|by|with|within|at|for|over|under|including)\s(?:the |each |about |all )?$"
)
PARTS = re.compile(r"\s(?:of which|of them|of these|of those|rows?|columns?|groups?|clusters?|piles?|stacks?|layers?|each)\b")
NOT_A_COUNT = frozenset(
    "doubt idea way problem longer access image images picture photo information answer one need reason clear attachment matter clue ability means sign evidence question exact visible"
    " such further more other specific".split()
)
NONE = re.compile(
    r"\b(?:(?:there (?:are|is|were|was)|there's|(?:i|we) (?:can )?see|contains?|shows?|has|have)(?: \w+)? no|^no) (?P<noun>\w+)|\bnot (?:\w+ )?any\b(?: (?P<any>\w+))?|\bnone\b(?! of)|^nothing\b|\bnone of them\b"
)
SEEN = re.compile(r"\bnot (?:see|find|notice|spot|detect|count) any\b")  # begins like a refusal and says that there are none
NOT_ONE = frozenset(
    {"no", "this", "that", "any", "each", "every", "which", "some", "the", "another", "other"}
)  # words before a pronoun
ONE_DOES = frozenset(
    {"can", "could", "of", "may", "might", "must", "would", "cannot", "is", "has", "needs", "should"}
)  # and words behind it


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in an answer and where it stands."""

    value: float
    start: int
    end: int


def read_number(text: str) -> float | None:
    """The number that is said, in digits or in words. Thoughts and wrappers are left out.

    Of several numbers: the last beside "answer", "total", "count"; else the last behind "so", "makes" or "="; else the one that is
    the sum or the product of the others, or the end of counting aloud; else the only one that counts things, not rows, places or
    parts. Ordinals, years behind "from", percentages, measures and numbers of lists count nothing. A range says no number.

    >>> [read_number(text) for text in ("There are 1,190 birds.", "twenty-one", "no cars", "a hundred and five", "5.0", "(12)")]
    [1190.0, 21.0, 0.0, 105.0, 5.0, 12.0]
    >>> [read_number(text) for text in ("3 rows of 5, 15 in total", "54crayons", "the 2nd image", "12.5%", "no idea", "one can try")]
    [15.0, 54.0, None, None, None, None]
    >>> [read_number(text) for text in ("two thousand", "3 rows with 5 items each, so 15 items", "1, 2, 3, 4", "20 to 30", "7 cats and 2 dogs")]
    [2000.0, 15.0, 4.0, None, None]
    >>> [read_number(text) for text in ("<think>5? 6?</think>**7**", '{"rows": 2, "count": 8}', "\\\\boxed{9}", "图片中有14个苹果", "1.5k")]
    [7.0, 8.0, 9.0, 14.0, 1500.0]
    """
    bare = answer_of(text, KEYS)
    said = fold(TAG.sub(" ", bare) if "<" in bare else bare).strip()
    found = numerals(said)
    counts = [number for number in found if counts_things(said, number)]
    if not counts:
        worded = chinese(said)
        return worded if worded is not None else none_said(said, found)
    chosen = chosen_of(said, counts)
    if chosen is None or in_range(said, chosen, found):
        return None
    return chosen.value


def numerals(said: str) -> list[Numeral]:
    """Every number of a folded text, in digits and in words; `one` only where it counts."""
    if DIGIT.search(said) is None and NUMBERS.isdisjoint(LETTERS.findall(said)):
        return []
    tokens = list(NUMERAL.finditer(said))
    if len(tokens) > 2 * MOST:
        tokens = tokens[:MOST] + tokens[-MOST:]
    words = [
        match["digits"].lstrip("+-").replace(",", "") if match.lastgroup in ("digits", "kilo") else match.group()
        for match in tokens
    ]
    found: list[Numeral] = []
    free = 0  # the first token that belongs to no number yet
    for place in [at for at, word in enumerate(words) if word in BEGINNINGS or tokens[at].lastgroup in ("digits", "kilo")]:
        if place < free:
            continue
        match = tokens[place]
        spelled = spell(words, place) if match.lastgroup != "kilo" else None
        if spelled is not None and spelled[0] == 1 and words[place] == "one" and not counted_one(words, place):
            spelled = None
        if spelled is not None:
            last = tokens[place + spelled[1] - 1]
            found.append(Numeral(float(spelled[0]), match.start(), last.end()))
            free = place + spelled[1]
            continue
        if match["digits"] and len(match["digits"]) < 300:
            found.append(in_digits(said, match))
        elif match["word"] == "single" and place and words[place - 1] == "a":
            found.append(Numeral(1.0, match.start(), match.end()))
    return found


def in_digits(said: str, match: re.Match[str]) -> Numeral:
    """A number in digits; a sign behind another number or letter is a dash."""
    digits = match["digits"].replace(",", "")
    if digits[0] in "+-" and match.start() and (said[match.start() - 1].isalnum() or said[match.start() - 1] in ")]"):
        digits = digits[1:]
    return Numeral(float(digits) * (1000 if match["kilo"] else 1), match.start(), match.end())


def counted_one(said: Sequence[str], place: int) -> bool:
    """Whether the `one` at this place counts something, as far as its neighbours tell."""
    before = said[place - 1] if place else ""
    behind = said[place + 1] if place + 1 < len(said) else ""
    return before not in NOT_ONE and behind not in ONE_DOES


def counts_things(said: str, number: Numeral) -> bool:
    """Whether a number may count what was asked for, as far as the signs and words that touch it tell."""
    before = said[max(0, number.start - NEAR) : number.start]
    behind = said[number.end : number.end + NEAR]
    if BEFORE.search(before) or BEHIND.match(behind) or TIMES.search(before[-4:]):
        return False
    if 1800 <= number.value < 2100 and YEAR.search(before):
        return False
    line = said.rfind("\n", max(0, number.start - 12), number.start) + 1
    if line == 0 and number.start > 12:
        return True
    marker = MARKER.match(said, line)
    return marker is None or not marker.start() <= number.start < marker.end()


def chosen_of(said: str, counts: Sequence[Numeral]) -> Numeral | None:
    """The number that is the answer among those that may count."""
    whole = [number for number in counts if number.value.is_integer()] or list(counts)
    strong = [number for number in whole if beside(said, number, STRONG) or TOTAL.match(said, number.end)]
    if strong:
        return strong[-1]
    if len({number.value for number in whole}) == 1:
        return whole[-1]
    weak = [number for number in whole if beside(said, number, WEAK)]
    if weak:
        return weak[-1]
    values = [number.value for number in whole]
    for rule in (counted_aloud, made_of):
        value = rule(values)
        if value is not None:
            return next(number for number in whole[::-1] if number.value == value)
    plain = [number for number in whole if not placed(said, number)]
    if plain and len({number.value for number in plain}) == 1:
        return plain[-1]
    again = [number for number in plain if beside(said, number, AGAIN)]
    return again[-1] if again and again[-1] is plain[-1] else None


def beside(said: str, number: Numeral, words: re.Pattern[str]) -> bool:
    """Whether words stand right before a number."""
    return words.search(said[max(0, number.start - NEAR) : number.start]) is not None


def placed(said: str, number: Numeral) -> bool:
    """Whether a number says where things are, how they are parted, or stands in brackets as an aside."""
    before = said[max(0, number.start - NEAR) : number.start]
    if PLACED.search(before) or PARTS.match(said, number.end):
        return True
    opened = before.rfind("(")
    return opened > before.rfind(")") and number.start - (len(before) - opened) > 0


def counted_aloud(values: Sequence[float]) -> float | None:
    """The end of counting from one, or on from another number, said again or not.

    >>> counted_aloud([1, 2, 3]), counted_aloud([5, 6, 7, 7]), counted_aloud([1, 3]), counted_aloud([4, 5])
    (3, 7, None, None)
    """
    steps = {after - before for before, after in zip(values, values[1:])}
    return values[-1] if len(values) > 2 and steps <= {0.0, 1.0} and 1.0 in steps else None


def made_of(values: Sequence[float]) -> float | None:
    """The one value that is the sum or the product of all others.

    >>> made_of([4, 6, 24]), made_of([21, 12, 9]), made_of([5, 7]), made_of([2, 3, 4])
    (24, 21, None, None)
    """
    if not 3 <= len(values) <= 40:
        return None
    total = sum(values)
    for value in sorted(set(values), reverse=True):
        rest = list(values)
        rest.remove(value)
        product = 1.0
        for other in rest:
            product = min(product * other, 1e30)
        if value > 1 and (total - value == value or product == value):
            return value
    return None


def in_range(said: str, chosen: Numeral, found: Sequence[Numeral]) -> bool:
    """Whether the number is one end of a range: "20-30", "15 to 20", "between 5 and 8", "7 or 8"."""
    place = next(index for index, number in enumerate(found) if number.start == chosen.start)
    for first, second in ((place - 1, place), (place, place + 1)):
        if first < 0 or second >= len(found) or found[first].value == found[second].value:
            continue
        between = said[found[first].end : found[second].start]
        signed = not between.strip() and said[found[second].start] in "-" and found[first].end == found[second].start
        if signed or (len(between) < 24 and RANGE.fullmatch(between)):
            return True
        before = said[max(0, found[first].start - 32) : found[first].start]
        if len(between) < 24 and re.fullmatch(r"\s?(?:\w+\s)?(?:and|to)\s", between) and BETWEEN.search(before):
            return True
    return False


def none_said(said: str, found: Sequence[Numeral]) -> float | None:
    """0 where an answer says that there is none; a refusal says nothing."""
    if found or "no" not in said or (refuses(said) and not SEEN.search(said)):
        return None
    for match in NONE.finditer(said):
        noun = match["noun"] or match["any"] or ""
        if noun not in NOT_A_COUNT:
            return 0.0
    return None
