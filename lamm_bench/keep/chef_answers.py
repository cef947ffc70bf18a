"""A run's answers as entries of ChEF's answer files (reference 5.3, 9.5): what `answers` reads back to the same figures.

Of upstream's keys those that say what was answered: `id`, `answer`, `CoT_answer`; where likelihood decided `ppl_results`, `probs` and
`prob`; `turn_answer` and `multi_turn_prefix` of several turns. The truth stays in the data, where upstream copies it along."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from lamm_bench.types import Prediction, Response, Sample, Task, Turn

from .answers import given_id
from .ledger import Ledger


def entries(task: Task, samples: Sequence[Sample], ledger: Ledger, upstream: bool = False) -> list[dict[str, Any]]:
    """An entry for each sample that was answered, in the file's order; `upstream`: options were drawn as upstream draws them.

    Of samples that share an id every one has an entry, if need be without an answer: by their order they are told apart."""
    places: dict[str, list[str]] = {}
    ids = []
    for position, sample in enumerate(samples):
        ids.append(given_id(sample.id, position, places))
        places.setdefault(ids[-1], [])
    times = Counter(ids)
    found = []
    for name, sample in zip(ids, samples):
        record = ledger.ended.get(sample.id)
        if record is not None and record.prediction is not None:
            shown = task.as_upstream(sample) if upstream and hasattr(task, "as_upstream") else sample
            said = [response for _, (_, response) in sorted(ledger.said.get(sample.id, {}).items())]
            found.append({"id": name, **asked(task, shown), **answered(task, shown, record.prediction, said)})
        elif times[name] > 1:
            found.append({"id": name, "answer": None})
    return found


def asked(task: Task, sample: Sample) -> dict[str, Any]:
    """Picture and question, where a task's answers are joined by them."""
    if getattr(task, "content_of", None) is None:
        return {}
    return {"image_path": PurePosixPath(sample.group).as_posix(), "question": sample.question}


def answered(task: Task, sample: Sample, prediction: Prediction, said: Sequence[Response]) -> dict[str, Any]:
    """What was answered, in ChEF's keys."""
    text = prediction.text
    if isinstance(text, str):
        thought = "" if prediction.scores else thought_of(said, text)
        return {"answer": text, **({"CoT_answer": thought} if thought else {}), **likelihoods(prediction.scores)}
    own = getattr(task, "turns", None)
    if own is None:
        return {"answer": dict(text)}
    turns: Sequence[Turn] = own(sample)
    scores: Mapping[str, Sequence[float]] = getattr(prediction, "turn_scores", {})
    told, prefixes = [], []
    for place, (number, answer) in enumerate(text.items()):
        turn = turns[place] if place < len(turns) else Turn()
        weighed = {**likelihoods(scores[number]), "options": list(turn.options)} if number in scores else {}
        told.append({"prompt_idx": turn.prompt, "answer": answer, **weighed})
        prefixes.append({"prompt_idx": turn.prompt, "prefix": turn.prefix or None})
    return {"multi_turn_prefix": prefixes, "turn_answer": told}


def likelihoods(scores: Sequence[float]) -> dict[str, Any]:
    """The options' scores, their soft maximum and its largest.

    >>> likelihoods((-1.0, -1.0)), likelihoods(())
    ({'ppl_results': [-1.0, -1.0], 'probs': [0.5, 0.5], 'prob': 0.5}, {})
    """
    if not scores:
        return {}
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    probs = [weight / math.fsum(weights) for weight in weights]
    return {"ppl_results": list(scores), "probs": probs, "prob": max(probs)}


def thought_of(said: Sequence[Response], text: str) -> str:
    """What was said or thought before the answer; left out where the answer begins with it, since ChEF's files then hold both in one."""
    thought = "\n".join(response.text or response.reasoning for response in said[:-1])
    thought = thought or (said[-1].reasoning if said else "")
    return "" if thought and text.startswith(thought) else thought
