"""Hair colours in answers (CelebA): a colour counts only where it is said of the hair, not of clothes, eyes, skin or the picture."""

from __future__ import annotations

import re

from lamm_bench.read.labels import Name, read_labels
from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.types import Sample

HAIR = Lexicon({
    "black": ("jet black", "blackish", "black haired", "raven", "dark black"),
    "blond": ("blonde", "blondish", "golden", "golden blond", "golden blonde", "fair", "fair haired", "platinum", "platinum blond", "platinum blonde",
              "blond haired", "blonde haired", "dirty blond", "dirty blonde", "flaxen", "sandy", "sandy blond", "honey blonde"),
    "brown": ("brunette", "brunet", "chestnut", "chestnut brown", "brownish", "auburn", "dark brown", "light brown", "medium brown", "brown haired",
              "dark brown haired", "hazel brown"),
    "gray": ("grey", "silver", "silvery", "grayish", "greyish", "graying", "greying", "white", "white haired", "gray haired", "grey haired",
             "salt and pepper", "silver gray", "silver grey"),
}, hides=("black and white",))  # fmt: skip

COLOUR = r"(?:black|brown|blonde?|gr[ae]y|white|golden|silver|dark|light|red|auburn|chestnut|fair|sandy|platinum|medium|dirty|ginger)(?:ish)?"
HAIRY = r"(?:hair|haired|hairs|haare|haar|cheveux|cabello|pelo|capelli|locks|curls|strands|tresses|ponytail|bangs|braids?|bun|hairstyle|haircut)"
SHAPED = r"(?:and|or|to|very|long|short|curly|wavy|straight|thick|thin|medium|length|shoulder|colou?red|natural|dyed|streaked|messy|flowing|tied|loose|layered|coloured)"
BEHIND_IT = re.compile(rf"^(?:[\s,-]|\b(?:{SHAPED}|{COLOUR})\b){{0,12}}\b{HAIRY}\b")
MORE = re.compile(rf"^(?:[\s,/]|\b(?:and|or|{SHAPED}|{COLOUR})\b)*")
# what may follow a colour that ends what is said; any other word is a thing that has the colour
FOLLOWS = re.compile(
    r"^\W*(?:$|[.;:!?\n,)]|(?:and|or|but|with|in|as|that|which|colou?r|shade|tone|one|is|not|rather|at|on|because|since|though|although|possibly|maybe|perhaps|to|she|he|they|it|while|from|almost|nearly|bordering|close|under)\b)"
)
FAIR = re.compile(r"^(?:blonde?|brunette?|fair|flaxen)")  # said of people, it is said of their hair
PEOPLE = re.compile(r"^\W*(?:woman|man|girl|boy|person|lady|guy|male|female|child|celebrity|actress|actor)\b")
LINKS = re.compile(
    rf"(?:[\s:,=\"'*()-]|\b(?:is|are|was|be|has|have|been|appears?|looks?|seems?|to|colou?r|of|the|this|that|s|person|man|woman|in|image|photo|picture|a|an|shade|tone|very|mostly|naturally"
    rf"|dyed|either|or|and|not|but|it|probably|likely|definitely|quite|predominantly|as|described|one|{SHAPED}|{COLOUR})\b)*"
)
SUBJECT = re.compile(
    rf"(?:[\s:,=\"'*()-]|\d+[.)]|\b(?:it|is|are|was|s|the|an?|colou?r|answer|class|label|this|that|would|say|i|her|his|their|she|he|they|person|man|woman|has|have|had|looks?|appears?|seems?|to|be|very|mostly"
    rf"|definitely|probably|maybe|perhaps|possibly|either|or|and|not|but|of|in|image|photo|picture|shown|with|d|think|final|correct|most|likely|might|could|may|{SHAPED}|{COLOUR})\b)*"
)
SENTENCE = re.compile(r"[.;!?\n]")


def of_hair(said: str, name: Name) -> bool:
    """Whether a colour at a place of a folded text is said of hair."""
    behind = said[name.end : name.end + 60]
    if BEHIND_IT.match(behind) or said[name.start : name.end].endswith("haired"):
        return True
    rest = behind[MORE.match(behind).end() :]  # type: ignore[union-attr]
    if not FOLLOWS.match(behind) or not FOLLOWS.match(rest):
        return FAIR.match(said[name.start : name.end]) is not None and PEOPLE.match(behind) is not None
    sentence = SENTENCE.split(said[max(0, name.start - 160) : name.start])[-1]
    *_, behind_hair = re.split(rf"\b{HAIRY}\b", sentence)
    return (LINKS if behind_hair != sentence else SUBJECT).fullmatch(behind_hair) is not None


def find_hair(text: str, sample: Sample) -> tuple[str, ...]:
    """The hair colours that an answer names."""
    return read_labels(text, HAIR.vocabulary(sample.meta["labels"]), of_hair)


def hair_colour(sample: Sample) -> str:
    """The true colour under the name by which answers are read."""
    return HAIR.vocabulary(sample.meta["labels"]).label(sample.target)
