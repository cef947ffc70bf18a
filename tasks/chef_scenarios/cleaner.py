"""How ChEF cleans an answer before it looks for words (reference 1.16.1): the habit of VQA's evaluation, faults included."""

from __future__ import annotations

import re

MARKS = ';/[]"{}()=+\\_-><@`,?!'
PERIOD = re.compile(r"\.(?!\d)")
MOST = 32  # full stops that are taken out: upstream gives a flag where the count belongs
NUMBERS = {"none": "0"} | {
    word: str(value) for value, word in enumerate("zero one two three four five six seven eight nine ten".split())
}
ARTICLES = {"a", "an", "the"}
# words whose apostrophe is put back, by what follows it; after VQA's script (Antol et al. 2015), whose entries with a capital never match
ENDINGS = {
    "n't": "ai are ca could did does do had has have is might must need ought sha should was were wo would",
    "'ve": "could might must not should they we what where who would you",
    "'d": "he how it someone something there they where who you",
    "'ll": "how it somebody someone something they what who why you",
    "'re": "there they what why you",
    "'s": "he how somebody someone that there what when where who why",
    "n't've": "could had might should would",
    "'d've": "he it she somebody someone something there they we who you y'all",
    "": "ma'am o'clock 'twas 'ow's'at y'all y'all'll",
}
WHOLE = [f"{word}{end}" for end, words in ENDINGS.items() for word in words.split()]
# what is written with one apostrophe too few, of several any; and the one entry that takes an apostrophe out
CONTRACTIONS = {whole[:place] + whole[place + 1 :]: whole for whole in WHOLE for place, sign in enumerate(whole) if sign == "'"}
CONTRACTIONS["somebody'd"] = "somebodyd"


def cleaned(text: str) -> str:
    """
    >>> cleaned("none of ten, two or three!"), cleaned("It isnt a cat's ear"), cleaned("1,000 cats"), cleaned("x-y - z")
    ('0 of 10 2 or 3', "it isn't cat's ear", '1 000 cats', 'xy z')
    >>> cleaned("hell be wed, lets see"), cleaned("shed've couldnt've somebody'd yall Oclock")
    ('hell be wed lets see', "she'd've couldn't've somebodyd y'all o'clock")
    """
    original = text.replace("\n", " ").replace("\t", " ").strip()
    said = original
    for mark in MARKS:
        said = said.replace(mark, "" if f"{mark} " in original or f" {mark}" in original else " ")
    words = (NUMBERS.get(word, word) for word in PERIOD.sub("", said, count=MOST).lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)
