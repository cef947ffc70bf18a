"""A tokenizer in the manner of the Penn Treebank, as the caption metrics need it: lower-cased, marks removed.

It follows what Stanford's PTBTokenizer 3.4.1 gives with `-preserveLines -lowerCase`, behind which pycocoevalcap removes a
list of marks (reference 1.12)."""

from __future__ import annotations

import re

# pycocoevalcap, ptbtokenizer.py: removed after lower-casing, so that the brackets in capitals never are
REMOVED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

TOKEN = re.compile(r"\w+(?:[-.'/]\w+)*|\S")


def tokenize(text: str) -> list[str]:
    """The tokens of a caption."""
    return [token for token in TOKEN.findall(text.lower()) if token not in REMOVED]
