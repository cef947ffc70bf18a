"""Instruction following: does a model still choose the same options when it is told to call them otherwise? (reference 2.6)

The match rate is the share of questions in which the chosen option is that of the plain leg, whatever it is called now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from lamm_bench.ask.inferencers import letter
from lamm_bench.ask.verbalizers import words_for
from lamm_bench.measure.stats import Ratio, estimates
from lamm_bench.read import answer_of, read_choice, text_of
from lamm_bench.types import FAILED, Estimate, Metric, Row, Sums

from .formulas import apart
from .gathering import Asked, Model
from .legs import FOLLOWING, PLAIN, VERBALIZERS
from .relative import Figure, common_sets, lacking, ratio_of

CLOSING = re.compile(r"\b(?:answer|output|response)\s?(?:is|:)\s*(.{1,40})$", re.IGNORECASE)


def following(model: Model) -> Figure:
    """The mean match rate over the settings that were asked; accuracies in the details."""
    legs = model.legs
    told = [one for one in VERBALIZERS if f"verbalizer-{one}" in legs]
    figure = Figure(FOLLOWING, why="" if told else "not asked")
    names = [PLAIN, *(f"verbalizer-{one}" for one in told)]
    figure.why = figure.why or lacking(legs, names)
    if figure.why:
        return figure
    sets = common_sets(legs, names)
    rows: list[Row] = []
    for set_ in sets:
        own = apart(matched(legs[PLAIN][set_], {one: legs[f"verbalizer-{one}"][set_] for one in told}), set_)
        rows += own
        figure.details[set_] = {
            what: {one: estimate_of(own, [set_], [one], what) for one in told} | {"mean": estimate_of(own, [set_], told, what)}
            for what in ("match", "accuracy")
        }
    figure.standard = estimate_of(rows, sets, told, "match")
    if len(told) < len(VERBALIZERS):
        figure.why = f"of {', '.join(told)} only"
    return figure


def estimate_of(rows: Sequence[Row], sets: Sequence[str], settings: Sequence[str], what: str) -> Estimate:
    """The mean over sets and settings of a rate in percent."""

    def value(sums: Sums) -> np.ndarray:
        rates = [100 * sums[f"{set_} {one} {what}"] / sums[f"{set_} items"] for set_ in sets for one in settings]
        return np.mean(rates, axis=0)

    return estimates([Metric(what, value, n="joined", shape="logit")], rows)[what]


def matched(plain: Asked, told: Mapping[str, Asked]) -> list[Row]:
    """One row for each question that the headline counts and that was answered everywhere."""
    share: Ratio = ratio_of(plain)
    first = chosen(plain)
    others = {one: chosen(asked, one) for one, asked in told.items()}
    found = []
    for row in plain.scores["standard"].rows:
        name = row.sample.id
        if not row.stats.get(share.bottom) or name not in first or any(name not in other for other in others.values()):
            continue
        stats = {"items": 1.0}
        for one, other in others.items():
            stats[f"{one} match"] = float(other[name] is not None and other[name] == first[name])
            stats[f"{one} accuracy"] = float(other[name] == row.sample.target)
        found.append(Row(row.sample, "ok", None, None, stats))
    return found


def chosen(asked: Asked, verbalizer: str = "") -> dict[str, int | None]:
    """The option of each answered sample by its place; None where the answer names none, or several."""
    found: dict[str, int | None] = {}
    for row in asked.scores["standard"].rows:
        if row.status in FAILED:
            continue
        record = asked.ended.get(row.sample.id)
        prediction = record.prediction if record is not None else None
        if prediction is not None and prediction.scores:
            found[row.sample.id] = prediction.choice
        elif row.answer is None:
            found[row.sample.id] = None
        else:
            text, options = text_of(row.answer), row.sample.choices
            letters = [f"({letter(place)})" for place in range(len(options))]
            words = words_for(verbalizer, letters) if verbalizer else ()
            found[row.sample.id] = read_word(text, words) if words else read_choice(text, options)
    return found


def read_word(text: str, words: Sequence[str]) -> int | None:
    """The place of the word of a list that an answer is, or ends with behind `the answer is`. Nothing else is looked for: `first` and
    `I` stand in sentences that name no option.

    >>> words = ["foo", "dog", "hip"]
    >>> read_word("The answer is dog.", words), read_word("Foo", words), read_word("not foo", words), read_word("First, a dog", words)
    (1, 0, None, None)
    >>> read_word("B", ["(B)", "(A)"]), read_word("(1)", ["(1)", "(2)"]), read_word('"II".', ["I", "II", "III"]), read_word("Output: ~", ["~", "@"])
    (0, 0, 1, 0)
    """
    said = answer_of(text).strip()
    closing = CLOSING.search(said)
    for whole in filter(None, (said, closing[1] if closing else "")):
        for marks in ("", " \n.!\"'`*", " \n.!\"'`*()"):
            for same in (str, str.casefold):
                spelled = [same(word.strip("()") if "(" in marks else word) for word in words]
                level = [place for place, word in enumerate(spelled) if word == same(whole.strip(marks) if marks else whole)]
                if len(level) == 1:
                    return level[0]
    return None
