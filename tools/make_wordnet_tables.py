"""Makes `tasks/wordnet.json.gz`, the closed WordNet 3.0 tables that decide class matching in `classic` and `chef`.

    python tools/make_wordnet_tables.py /usr/share/wordnet tasks/wordnet.json.gz

The source is Princeton WordNet 3.0, for instance Debian's package `wordnet-base`; its licence is written beside the tables.
The content is the same for the same dictionary (the bytes too, for the same zlib).

What is kept (reference 1.3.1 and Appendix E):
- for every label its synonyms: the lemma names of its first sense, and of all senses;
- of the dictionary only what can decide whether a word's base form is one of those synonyms: for every synonym all words
  that lead to it by up to DEPTH suffix rules or by an exception list, and of everything that those words lead to, the
  lemmas that exist. To add a label, put it into LABELS and run this again."""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

DEPTH = 3  # chained suffixes beyond three ("sheepseses") never meet another lemma
POS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
# WordNet 3.0, morphy(7WN): the detachment rules of each part of speech
RULES = {
    "n": "s: ses:s ves:f xes:x zes:z ches:ch shes:sh men:man ies:y",
    "v": "s: ies:y es:e es: ed:e ed: ing:e ing:",
    "a": "er: est: er:e est:e",
    "r": "",
}
SUFFIXES = {pos: [tuple(rule.split(":")) for rule in rules.split()] for pos, rules in RULES.items()}

# The benchmark's own labels and the spellings met in files made after it, then labels of neighbouring data sets.
LABELS = """
airplane automobile bird cat deer dog frog horse ship truck
aeroplane bicycle boat bottle bus car chair cow diningtable motorbike person pottedplant sheep sofa train tvmonitor
dining,table tv,monitor potted,plant motorcycle television tv couch
black blond blonde brown gray grey white red auburn bald Black Blond Blonde Brown Gray Grey Bald
cabinet bed table door window bookshelf picture counter desk curtain refrigerator shower,curtain showercurtain showercurtrain
toilet sink bathtub garbagebin garbage,bin bag otherfurniture other,furniture wall floor shelves dresser pillow mirror clothes
ceiling books fridge paper towel box whiteboard nightstand night,stand lamp shelf blinds furniture structure prop floor,mat
traffic,light fire,hydrant stop,sign parking,meter bench elephant bear zebra giraffe backpack umbrella handbag tie suitcase
frisbee skis snowboard sports,ball kite baseball,bat baseball,glove skateboard surfboard tennis,racket wine,glass cup fork knife
spoon bowl banana apple sandwich orange broccoli carrot hot,dog pizza donut cake laptop mouse remote keyboard cell,phone
microwave oven toaster book clock vase scissors teddy,bear hair,drier toothbrush plant monitor
stool office,chair stove ottoman bin stand radiator washing,machine copier blackboard closet bathroom,stall guitar case
trash,can dumbbell board crib dustpan telephone cart piano printer projector rug basket fan plate bucket water,cooler
""".split()


class Dictionary:
    """The database files: lemmas with their synsets, and the exception lists."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[str, dict[str, list[int]]] = {
            pos: dict(read_index(folder / f"index.{name}")) for pos, name in POS.items()
        }
        self.exceptions = {pos: dict(read_exceptions(folder / f"{name}.exc")) for pos, name in POS.items()}
        self.data = {pos: (folder / f"data.{name}").read_bytes() for pos, name in POS.items()}

    def lemma_names(self, pos: str, offset: int) -> list[str]:
        """The words of one synset as written in the data file, without adjective markers such as `(p)`."""
        fields = self.data[pos][offset : offset + 4000].split(b"\n", 1)[0].decode("utf-8").split(" ")
        return [fields[4 + 2 * number].split("(")[0] for number in range(int(fields[3], 16))]

    def base_forms(self, word: str, pos: str) -> list[str]:
        """All lemmas that `word` is a form of, at the first level of rules that yields any."""
        known = self.synsets[pos]
        if word in self.exceptions[pos]:
            return unique(form for form in [word, *self.exceptions[pos][word]] if form in known)
        level = [word]
        found = unique(form for form in [word, *cut(level, pos)] if form in known)
        while not found and level:
            level = cut(level, pos)
            found = unique(form for form in level if form in known)
        return found

    def senses(self, label: str) -> list[list[str]]:
        """The lemma names of every sense of a label, in WordNet's order."""
        word = label.lower()
        return [
            self.lemma_names(pos, offset)
            for pos in POS
            for form in self.base_forms(word, pos)
            for offset in self.synsets[pos][form]
        ]


def read_index(path: Path) -> Iterator[tuple[str, list[int]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            count = int(fields[2])
            yield fields[0], [int(offset) for offset in fields[-count:]]


def read_exceptions(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        form, *lemmas = line.split()
        yield form, lemmas


def unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def cut(words: Iterable[str], pos: str) -> list[str]:
    """Every word with every fitting suffix replaced, in the order of the rules."""
    return [word[: -len(old)] + new for word in words for old, new in SUFFIXES[pos] if word.endswith(old)]


def grown(word: str, pos: str) -> set[str]:
    """All words from which `DEPTH` or fewer suffix rules lead to `word`."""
    found = level = {word}
    for _ in range(DEPTH):
        level = {
            form[: len(form) - len(new)] + old
            for form in level
            for old, new in SUFFIXES[pos]
            if form.endswith(new) and len(form) > len(new)
        }
        found = found | level
    return found


def tables(dictionary: Dictionary) -> dict[str, object]:
    """The content of the file."""
    labels = {}
    synonyms: set[str] = set()
    for label in sorted({entry.replace(",", " ") for entry in LABELS}):
        senses = dictionary.senses(label)
        labels[label] = {"first": senses[0] if senses else [], "all": unique(name for sense in senses for name in sense)}
        synonyms |= {name.lower() for name in labels[label]["all"]} | {label.lower()}
    irregular: dict[str, set[str]] = defaultdict(set)
    for listed in dictionary.exceptions.values():
        for form, bases in listed.items():
            for base in bases:
                irregular[base].add(form)
    words: set[str] = set()
    for synonym in synonyms:
        words |= {form for pos in POS for form in grown(synonym, pos)} | irregular[synonym]
    lemmas: dict[str, set[str]] = {pos: set() for pos in POS}
    exceptions: dict[str, dict[str, list[str]]] = {pos: {} for pos in POS}
    for word in words:
        for pos in POS:
            reached = {word}
            level = [word]
            while level:
                level = cut(level, pos)
                reached.update(level)
            if word in dictionary.exceptions[pos]:
                exceptions[pos][word] = dictionary.exceptions[pos][word]
                reached.update(exceptions[pos][word])
            lemmas[pos] |= reached & dictionary.synsets[pos].keys()
    return {
        "source": "WordNet 3.0, Princeton University; made by tools/make_wordnet_tables.py",
        "labels": labels,
        "lemmas": {pos: sorted(found) for pos, found in lemmas.items()},
        "exceptions": {pos: dict(sorted(found.items())) for pos, found in exceptions.items()},
    }


def licence(dictionary: Dictionary) -> str:
    """The notice that WordNet asks to be kept with every copy: the numbered lines at the head of its data files."""
    head = dictionary.data["n"].split(b"\n0", 1)[0].decode("utf-8")
    return "\n".join(re.sub(r"^ *\d+ ?", "", line).rstrip() for line in head.splitlines()) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path, help="folder with index.*, data.* and *.exc of WordNet 3.0")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    dictionary = Dictionary(arguments.dictionary)
    content = json.dumps(tables(dictionary), ensure_ascii=False, separators=(",", ":"))
    arguments.output.write_bytes(gzip.compress(content.encode("utf-8"), mtime=0))
    arguments.output.with_name("wordnet_licence.txt").write_text(licence(dictionary), encoding="utf-8")
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
