"""The byte-level BPE tokenizer of the built-in baseline: any text can be encoded, and numbers are whole.

A number such as `0.37` or `12` is one token wherever the training texts hold numbers of its kind, so that a coordinate is
one decision of the model and not four. That is done with ordinary BPE merges over a pre-tokenizer that sets numbers apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from lamm_bench.errors import BenchError

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
NUMBER = r"-?\d+\.\d\d|\d{1,2}"
"""What is set apart as one word: a number of two decimals, or one or two digits."""
WORDS = NUMBER + r"| ?\p{Lu}(?=\p{Lu})| ?(?<=\p{Lu})\p{Lu}| ?\p{L}+|[^\s\p{L}\d-]+ (?=-?\d)| ?[^\s\p{L}\d-]+|-|\s+"
"""What merges never cross: numbers, words with the blank before them, signs (with the blank between them and a number).

Words in capitals, which stand on signs, are read letter by letter: a word that was never seen is then no harder to write."""

PLAIN = re.compile(r"[\n -~]*")
"""Texts whose words `regex` and the tokenizer's own expressions cut alike without doubt."""


class Tokenizer(Protocol):
    """What the model asks of a tokenizer: `MiniTokenizer`, or any of transformers (hub_tokenizer.py)."""

    @property
    def bos(self) -> int | None: ...

    @property
    def eos(self) -> int: ...

    @property
    def pad(self) -> int: ...

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer, `eos` among them."""

    def __len__(self) -> int: ...

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of one piece, without special tokens."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids, special tokens left out."""


class MiniTokenizer:
    """A saved `tokenizer.json` through transformers' PreTrainedTokenizerFast; a `Vocabulary` of encode.py."""

    def __init__(self, file: Path) -> None:
        from transformers import PreTrainedTokenizerFast

        try:
            self.fast = PreTrainedTokenizerFast(tokenizer_file=str(file), pad_token=PAD, bos_token=BOS, eos_token=EOS)
        except Exception as error:  # tokenizers raises bare Exceptions for whatever is wrong with a file
            raise BenchError(f"{file} is not a tokenizer: {error}") from None
        vocabulary: dict[str, int] = self.fast.get_vocab()
        absent = [token for token in (PAD, BOS, EOS) if token not in vocabulary]
        if absent:
            raise BenchError(f"{file} has no token {' '.join(absent)}")
        self.pad, self.bos, self.eos = (vocabulary[token] for token in (PAD, BOS, EOS))
        self.ends = frozenset({self.eos})
        self._core = self.fast.backend_tokenizer  # ten times as fast for short pieces as the wrapper around it
        self._known: dict[str, tuple[int, ...]] = {}
        self._words: dict[str, tuple[int, ...]] = {}
        self._split = splitter(self._core)

    def __len__(self) -> int:
        return len(self.fast)

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids without special tokens; remembered, since most pieces of a benchmark recur."""
        known = self._known.get(text)
        if known is None:
            known = self.of_words(text) or tuple(self._core.encode(text, add_special_tokens=False).ids)
            if len(self._known) < 200_000:
                self._known[text] = known
        return known

    def of_words(self, text: str) -> tuple[int, ...]:
        """The same, word by word, since merges never cross words and most words recur: nearly twice as fast where texts are new.

        Empty where only the tokenizer itself knows: letters beyond ASCII, and what looks like a special token."""
        if self._split is None or not PLAIN.fullmatch(text) or any(mark in text for mark in (PAD, BOS, EOS)):
            return ()
        out: list[int] = []
        for word in self._split(text):
            ids = self._words.get(word)
            if ids is None:
                spelt = word.replace(" ", "Ġ").replace("\n", "Ċ")  # how a byte-level tokenizer writes blanks
                ids = self._words[word] = tuple(token.id for token in self._core.model.tokenize(spelt))
            out += ids
        return tuple(out)

    def decode(self, ids: Iterable[int]) -> str:
        return str(self._core.decode(list(ids), skip_special_tokens=True))

    def numbers(self) -> dict[int, float]:
        """Token id -> value of every token that is a number of two decimals."""
        out = {}
        for token, index in self.fast.get_vocab().items():
            if re.fullmatch(r"-?\d+\.\d\d", token):
                out[index] = float(token)
        return out


def splitter(core: Any) -> Callable[[str], list[str]] | None:
    """What cuts a text into words as `train_tokenizer` set it up; None where a file was set up otherwise."""
    import regex

    first = (json.loads(core.to_str())["pre_tokenizer"] or {}).get("pretokenizers", [{}])[0]
    return regex.compile(WORDS).findall if first.get("pattern") == {"Regex": WORDS} else None


def train_tokenizer(texts: Iterable[str], size: int, file: Path, least: int = 2) -> None:
    """Learns merges from `texts` until there are `size` tokens, and writes `tokenizer.json`.

    Two-decimal numbers become whole tokens for the whole range between the least and the greatest number of the texts
    that has at most two digits before the point, because a range without holes lets neighbours be learnt from each other."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    texts = list(texts)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    whole = number_merges(texts)
    words = trainers.BpeTrainer(
        vocab_size=max(size - len(whole), 300),
        min_frequency=least,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((re.sub(NUMBER, "1", text) for text in texts), words)
    data = json.loads(tokenizer.to_str())
    data["model"] = with_merges(data["model"], whole)
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def number_merges(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Merges that build every number of the range from its digits: `3`+`7`, `0.`+`37`, `-`+`0.37`."""
    found = {number for text in texts for number in re.findall(r"(?<![\d.])-?\d{1,2}\.\d\d(?!\d)", text)}
    merges = [(a, b) for a in "0123456789" for b in "0123456789"]
    if not found:
        return merges
    low, high = min(map(float, found)), max(map(float, found))
    wholes = range(int(max(abs(low), abs(high))) + 1)
    merges += [(str(whole), ".") for whole in wholes]
    values = [f"{whole}.{cents:02d}" for whole in wholes for cents in range(100)]
    merges += [(v.split(".")[0] + ".", v.split(".")[1]) for v in values if float(v) <= max(high, -low)]
    return merges + [("-", v) for v in values if 0 < float(v) <= -low]


def with_merges(model: dict[str, Any], merges: list[tuple[str, str]]) -> dict[str, Any]:
    """The BPE model with `merges` put first and their tokens added."""
    vocabulary, old = dict(model["vocab"]), [tuple(m) if not isinstance(m, str) else tuple(m.split(" ")) for m in model["merges"]]
    fresh = [m for m in merges if m not in set(old)]
    for left, right in fresh:
        for token in (left, right, left + right):
            vocabulary.setdefault(token, len(vocabulary))
    return {**model, "vocab": vocabulary, "merges": [list(m) for m in fresh + old]}
