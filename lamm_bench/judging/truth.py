"""The ground truth, the question and the answer as a judge sees them: text, rendered as upstream renders it (reference 1.15)."""

from __future__ import annotations

from lamm_bench.ask.inferencers import letter
from lamm_bench.measure.scoring import has_media, oracle_answer
from lamm_bench.media import modality
from lamm_bench.types import Answer, Sample, Task

LONGEST = 6000  # characters of an answer that a judge is shown; the head and the tail of a longer one


def truth_of(task: Task, sample: Sample) -> str:
    """A label; the object list, the word list in lower case and the sentences as Python writes them; Yes or No for a smile;
    letter and text of the right option. What upstream's judge never saw (counts, joints, rooms) is the oracle's answer."""
    target = sample.target
    if sample.choices and isinstance(target, int):
        return f"({letter(target)}) {sample.choices[target]}"
    if task.name == "celeba-smile":
        return "Yes" if target == "1" else "No"
    if task.name == "svt":
        return repr([str(word).lower() for word in target])
    if task.name in ("flickr30k", "voc2012"):
        return repr(list(target))
    if isinstance(target, str):
        return target
    return answer_text(oracle_answer(task, sample)) if has_media(sample) else repr(target)


def question_of(sample: Sample) -> str:
    """The item's own question; where it is asked part by part, with the parts named."""
    if not sample.parts:
        return sample.question
    return f"{sample.question.replace('{}', '(part)', 1)}\n(part) is each of: {', '.join(sample.parts)}"


def answer_text(answer: Answer) -> str:
    """One text, or a line for each part; the middle of an endless one is left out."""
    text = answer if isinstance(answer, str) else "\n".join(f"{part}: {said}" for part, said in answer.items())
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]}\n[... {len(text) - LONGEST} characters left out ...]\n{text[-LONGEST // 3 :]}"
    return text


def medium_of(task: Task) -> str:
    """What an answer is about, as a judge is told."""
    return modality(task.modality).one or task.modality
