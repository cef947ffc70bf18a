"""Numbers in words: English ones up to millions, dozens and pairs, and those written in Chinese characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
JOINED = {ten + unit: TENS[ten] + UNITS[unit] for ten in TENS for unit in UNITS if 0 < UNITS[unit] < 10}  # twentyone
SMALL = {**UNITS, **TENS, **JOINED}
SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "dozen": 12,
    "score": 20,
    "k": 1000,
    "billion": 10**9,
    "lakh": 10**5,
}
GROUPS = {"pair": 2, "couple": 2, "trio": 3}
LONGEST = 16  # words of a number; no more are put together, so that no text takes quadratic time
CHINESE = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0}
CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4}
CHINESE_NUMBER = re.compile(
    rf"[{''.join(CHINESE)}{''.join(CHINESE_SCALES)}]{{1,12}}(?=[个個只隻条條张張辆輛本颗顆人名位头頭匹棵朵块塊根支枝把座]|$)"
)


def spell(said: Sequence[str], place: int) -> tuple[float, int] | None:
    """The number whose words begin here, and how many words it takes; digits may stand before a word such as `dozen`.

    >>> spell(["three", "hundred", "and", "forty", "two"], 0), spell(["dozens"], 0), spell(["two", "thousand", "birds"], 0)
    ((342, 5), None, (2000, 2))
    >>> spell(["half", "a", "dozen"], 0), spell(["2", "dozen"], 0), spell(["a", "dozen", "and", "a", "half"], 0)
    ((6.0, 3), (24.0, 2), (18.0, 5))
    >>> spell(["nineteen", "hundred"], 0), spell(["a", "pair"], 0), spell(["a", "bird"], 0), spell(["ninety", "nine"], 0)
    ((1900, 2), (2, 2), None, (99, 2))
    """
    if said[place] == "half":
        at = place + 1 + (said[place + 1 : place + 2] == ["a"])
        return (SCALES[said[at]] / 2, at + 1 - place) if at < len(said) and said[at] in SCALES else None
    if said[place] in ("a", "an", "one") and place + 1 < len(said):
        nxt = said[place + 1]
        if nxt in GROUPS:
            return GROUPS[nxt], 2
        if nxt == "half" and said[place + 2 : place + 3] == ["dozen"]:
            return 6, 3
        if nxt in SCALES and nxt != "k":
            return scaled(said, place, 1, place + 1)
        if said[place] != "one":
            return None
    value, at = below_hundred(said, place)
    if at == place:
        digits = said[place].replace(".", "", 1)
        if digits.isdigit() and len(digits) < 16 and at + 1 < len(said) and said[at + 1] in SCALES:
            return scaled(said, place, float(said[place]), at + 1)
        return None
    return scaled(said, place, value, at)


def scaled(said: Sequence[str], place: int, value: float, at: int) -> tuple[float, int]:
    """A value with the scales behind it, and what is added to it: 'two hundred and five', 'one thousand two hundred'."""
    total: float = 0
    while at < len(said) and said[at] in SCALES and at - place < LONGEST:
        scale = SCALES[said[at]]
        total, value, at = (total + value * scale, 0, at + 1) if scale >= 1000 else (total, value * scale, at + 1)
        if said[at : at + 3] == ["and", "a", "half"]:
            return total + value + scale / 2, at + 3 - place
        rest = at + (said[at : at + 1] == ["and"] or (said[at : at + 1] == [","] and scale in (100, 1000)))
        more, end = below_hundred(said, rest)
        if end == rest and said[rest : rest + 1] == ["a"] and said[rest + 1 : rest + 2] == ["hundred"] and scale > 100:
            more, end = 1, rest + 1
        if end == rest or scale in (12, 20) or (said[rest : rest + 1] == [","] and more < 10):
            continue
        if said[end : end + 1] == ["hundred"] and scale > 100:
            value, at = value + more * 100, end + 1
            rest = at + (said[at : at + 1] == ["and"])
            more, end = below_hundred(said, rest)
            value, at = (value + more, end) if end > rest else (value, at)
        elif said[end : end + 1] and said[end] in SCALES and SCALES[said[end]] >= 1000:
            value, at = value + more, end
        else:
            value, at = value + more, end
    return total + value, at - place


def below_hundred(said: Sequence[str], place: int) -> tuple[int, int]:
    """Value and end of a number word below a hundred; (0, place) when there is none.

    >>> below_hundred(["twenty", "one"], 0), below_hundred(["cat"], 0)
    ((21, 2), (0, 0))
    """
    word = said[place] if place < len(said) else ""
    if word in TENS:
        unit = UNITS.get(said[place + 1], 0) if place + 1 < len(said) else 0
        return (TENS[word] + unit, place + 2) if 0 < unit < 10 else (TENS[word], place + 1)
    return (SMALL[word], place + 1) if word in SMALL else (0, place)


def chinese(text: str) -> float | None:
    """The only number in Chinese characters before a measure word, or that is the whole text.

    >>> chinese("十四个"), chinese("图中有两只猫"), chinese("一共一百二十个"), chinese("猫") is None
    (14, 2, 120, True)
    """
    if text.isascii():
        return None
    found = {value_of(match.group()) for match in CHINESE_NUMBER.finditer(text.strip().rstrip("。."))}
    return found.pop() if len(found) == 1 else None


def value_of(characters: str) -> int:
    """The value of a number in Chinese characters."""
    total = section = digit = 0
    for char in characters:
        if char in CHINESE:
            digit = CHINESE[char]
        elif CHINESE_SCALES[char] == 10**4:
            total, section, digit = (total + section + digit) * 10**4, 0, 0
        else:
            section, digit = section + (digit or 1) * CHINESE_SCALES[char], 0
    return total + section + digit
