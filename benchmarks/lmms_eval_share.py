"""How many of lmms-eval's image tasks a benchmark file can declare, and why the others cannot; drafts of files, each tried on made data.

    pip download lmms-eval --no-deps && unzip lmms_eval-*.whl 'lmms_eval/*'
    python benchmarks/lmms_eval_share.py lmms_eval/tasks [--output FOLDER] [--list]

Nothing of lmms-eval is run: its functions are parsed, and what they look at is told by the names that they use (lmms_eval_tasks.py). So the
classes are estimates, and that a draft runs says that its form can be declared, not that its figures are lmms-eval's own."""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from lmms_eval_tasks import Task, leaves

from lamm_bench.declared.document import parse
from lamm_bench.declared.task import task_of
from lamm_bench.errors import BenchError
from lamm_bench.measure.scoring import Answered, oracle_answer, score

ASKED = (
    "question", "prompt", "query", "instruction", "Question", "problem", "text", "input", "user_prompt", "question_text", "caption", "ques",
    "question_en", "input_prompt", "formatted_question", "descriptive_q", "reasoning_q",
)  # fmt: skip
LISTED = (
    "options", "choices", "candidates", "answer_choices", "multiple_choices", "option", "answer_options", "mc_options", "choices_list", "answers_list",
)  # fmt: skip
TRUTHS = (
    "answer", "answers", "label", "gt_answer", "correct_answer", "ground_truth", "target", "gt", "Answer", "correct_option", "labels", "solution", "number",
    "annotations_captions", "caption", "caption_str", "answer_letter", "correct_choice", "reference", "answer_text", "bbox", "short_answer", "gold",
    "correct_index", "correct_answer_idx", "raw_solution",
)  # fmt: skip
LETTERED = re.compile(r"(?:[A-J]|(?:choice|option|Option|Choice)_?[a-jA-J0-9])")
SHELF = re.compile(
    r"mmstar|mmmu_val|mmmu_pro_(?:standard|vision)|mathvista_testmini(?:_format)?|ai2d|chartqa|docvqa_val|infovqa_val|textvqa_val|ocrbench|realworldqa"
    r"|hallusion_bench_image|blink_\w+|cv_bench(?:_[23]d)?|refcoco(?:g|\+)?_bbox_rec_\w+|refcoco(?:g|_plus)?_grounding_\w+|countbenchqa|vstar_bench|ok_vqa_val2014|vizwiz_vqa_val|vqav2_val"
    r"|gqa|pope|mme|scienceqa_img|seedbench|mmbench_en_dev|screenspot_rec_test|nocaps_val|textcaps_val"
)  # tasks whose benchmark is on our shelf
# why not, in the order in which it is asked; each: what is said of it, and by which names it is known
JUDGED = r"openai|gpt|judge|azure|get_server|anthropic|\bllm\b"
RULED = r"parse_multi_choice|parse_open|extract_mcq|can_infer|prefetch|exact_match|re\.search|== *gt|rule"
MISSING = (
    ("answers are formulas", r"math_verify|sympy|latex2sympy|verify_math"),
    ("code or structure is run or compared (TEDS, tests, layout)", r"teds|exec\(|subprocess|execute|html_similarity|svg|layout|playwright"),
    ("edit, error or Jaccard rates", r"levenshtein|editdistance|edit_distance|\bwer\b|\bcer\b|normalized_edit|\bned\b|jaccard"),
    ("similarity by a model", r"bert_score|bertscore|sentence_transformers|clip_score|clipscore|\blpips\b|torch|embedding"),
    ("retrieval, masks, or pictures as answers", r"segmentation_iou|mask_iou|generated_image|ndcg|recall_at|\bmap_at"),
)  # fmt: skip
DRAWN = r"ImageDraw|\.paste\(|rectangle|polygon|montage|concat_images|make_grid|subplots|resize_and_|stack_images|hstack|vstack|combine_images|merge_images"
FETCHED = r"load_dataset|snapshot_download|hf_hub_download|requests\.|urlopen|convert_from|pdf"
LONGEST = 140  # lines of scoring above which it is no longer one of the simple metrics
AS_IT_IS, WITHOUT, BY_HAND = (
    "**declared** by the converter",
    "**declared** by the converter, without the judge that is asked where a rule fails",
    "**declared** by hand, on the shelf",
)
DECLARED = (AS_IT_IS, WITHOUT, BY_HAND)


def why_not(task: Task) -> str:
    """What a file would have to be able to say; empty where it can."""
    shown, counted = task.visual.source, task.score.source
    kind = str(task.keys.get("output_type") or "generate_until")
    if kind != "generate_until":
        return (
            "the model answers in several rounds or by drawing"
            if "round" in kind or "visual" in kind
            else "likelihoods of options"
        )
    if re.search(JUDGED, counted, re.I) and not helped(task):
        return "a judge rates answers"
    for said, pattern in MISSING:
        if re.search(pattern, counted, re.I) and not (said.startswith("edit") and re.search("anls", counted, re.I)):
            return said
    if task.metrics and all("submission" in name or "submit" in name for name in task.metrics):
        return "answers are hidden (submission only)"
    if re.search(DRAWN, shown):
        return "pictures are drawn or put together"
    if re.search(FETCHED, shown):
        return "pictures come from another place"
    if not task.visual.columns:
        return "pictures are found by code"
    if not truth_of(task):
        return "no column with the answer was found"
    if not asked_of(task) and not constant(task):
        return "the question is put together by code"
    if len(counted.splitlines()) > LONGEST and not helped(task) and measured(task)[0] in ("text", "number"):
        return "scoring of its own"
    return ""


def helped(task: Task) -> bool:
    """Whether there are options and a rule that reads them, so that a judge is asked only where the rule fails."""
    counted = task.score.source
    judged = re.search(JUDGED, counted, re.I) and re.search(RULED, counted)
    return bool(judged) and bool(lettered(task) or listed(task))


def constant(task: Task) -> str:
    """The question where it is the same for all pictures."""
    own = task.keys.get("doc_to_text")
    if isinstance(own, str) and " " in own and not task.text.source:
        return own
    if not task.text.columns and re.search(r"return f['\"]\{pre_prompt\}\{post_prompt\}", task.text.source):
        return "".join(task.prompts).strip()
    found = re.search(r"return f?(['\"])(.{8,300}?)\1", task.text.source) if not task.text.columns else None
    return found[2] if found and "{" not in found[2] else ""


def measured(task: Task) -> tuple[str, str]:
    """The reader and the metric that are nearest."""
    said, names = task.score.source.lower(), " ".join(task.metrics).lower()
    if re.search(r"pycocoevalcap|cocoevalcap|cider|rouge|bleu", said + names):
        return "caption", "captions"
    if "anls" in said + names:
        return "text", "anls"
    if "relaxed" in said + names:
        return "text", "relaxed"
    if "evalai" in said:
        return "text", "vqa"
    if re.search(r"\biou\b|compute_iou|bbox_iou|box_iou", said):
        return "box", "iou"
    if lettered(task) or listed(task) or re.search(r"extract_mcq|multi_choice|mcq|\[a-[dehj]\]|option letter", said):
        return "letter", "accuracy"
    if re.search(r"['\"]yes['\"]", said) and re.search(r"['\"]no['\"]", said):
        return "yes_no", "accuracy"
    if re.search(r"mean_relative|\bmra\b", said):
        return "number", "mra"
    if re.search(r"\bmae\b|absolute_error", said + names):
        return "number", "error"
    return "text", "contains" if re.search(r" in (?:pred|response|answer|result)", said) and "==" not in said else "accuracy"


def asked_of(task: Task) -> str:
    own = task.keys.get("doc_to_text")
    if isinstance(own, str) and not task.text.source and own.isidentifier():
        return own
    told = (task.keys.get("lmms_eval_specific_kwargs") or {}).get("default") or {}
    if "question_column" in task.text.source:  # named by the task file, or in the function
        usual = re.search(r"question_column['\"], ['\"](\w+)", task.text.source)
        return str(told.get("question_column") or (usual[1] if usual else ""))
    return next((name for name in ASKED if name in task.text.columns), "")


def listed(task: Task) -> str:
    return next((name for name in LISTED if name in task.text.columns), "")


def lettered(task: Task) -> list[str]:
    found = [name for name in task.text.columns if LETTERED.fullmatch(name)]
    return sorted(found) if len(found) >= 2 else []


def truth_of(task: Task) -> str:
    if task.target_column and re.fullmatch(r"\w+", task.target_column):
        return task.target_column
    every = (*task.target.columns, *task.score.columns)
    return next((name for name in TRUTHS if name in every), "")


def draft(task: Task) -> str:
    """The task as a benchmark file."""
    reader, metric = measured(task)
    images = [
        name
        for name in task.visual.columns
        if re.search(r"ima?ge?|visual|picture|photo|bytes|binary", name, re.I) and "source" not in name
    ]
    images = [name for name in images if "*" in name] or images or [task.visual.columns[0]]
    question = f"{task.prompts[0]}{{{asked_of(task)}}}" if asked_of(task) else braced(constant(task)) or "?"
    sample: dict[str, Any] = {"image": [f"{{{name}?}}" for name in images[:8]], "target": f"{{{truth_of(task)}}}"}
    if re.search("b64decode|base64", task.visual.source):
        sample["encoding"] = "base64"
    if reader == "letter":
        sample["choices"] = (
            [f"{{{name}{'?' * (n > 1)}}}" for n, name in enumerate(lettered(task))] if lettered(task)
            else f"{{{listed(task)}|list}}" if listed(task) else f"{{{asked_of(task)}|options}}"
        )  # fmt: skip
        question += "\n{@options}\n" if lettered(task) or listed(task) else ""
    if reader == "text":
        sample["target"] = f"{{{truth_of(task)}|list}}"
    if reader == "box":
        sample |= {"form": "xywh", "scale": "pixels"}
    split = str(task.keys.get("test_split") or task.keys.get("validation_split") or "test").strip()
    folder = str(task.keys.get("dataset_path", "")).rpartition("/")[2]
    name = re.sub(r"[^a-z0-9._-]", "-", task.name.lower()).strip("-._")[:64]
    data = {"files": f"{folder}/**/{split}-*.parquet"}
    about = {
        "title": f"{task.name} of lmms-eval",
        "source": f"hub {task.keys.get('dataset_path')}; columns as in lmms-eval's tasks/{task.folder}",
    }
    file = {
        "name": name,
        "about": about,
        "data": data,
        "sample": {"question": question + braced(task.prompts[1]).lstrip("\n" if question.endswith("\n") else ""), **sample},
        "read": reader,
        "metric": metric,
    }
    return yaml.safe_dump(file, sort_keys=False, allow_unicode=True, width=200)


def braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def made(task: Task, root: Path, count: int = 6) -> None:
    """A table with the columns that the task's functions look at, in the form in which they do."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    reader, metric = measured(task)
    rows = []
    for n in range(count):
        out = io.BytesIO()
        Image.new("RGB", (64, 48), (n * 40 % 256, 90, 30)).save(out, "PNG")
        picture: Any = {"bytes": out.getvalue(), "path": f"{n}.png"}
        if re.search("b64decode|base64", task.visual.source):
            import base64

            picture = base64.b64encode(out.getvalue()).decode()
        many = bool(re.search(r"for \w+ in (?:doc\[|\w*images)|images", task.visual.source)) and not isinstance(picture, str)
        row: dict[str, Any] = {}
        for name in task.visual.columns:
            if re.search(r"ima?ge?|visual|picture|photo|bytes|binary", name, re.I) or name == task.visual.columns[0]:
                row |= (
                    {name.replace("*", str(k)): picture for k in (1, 2)}
                    if "*" in name
                    else {name: [picture, picture] if many and name.endswith("s") else picture}
                )
        embedded = reader == "letter" and not lettered(task) and not listed(task)
        row[asked_of(task) or "unused"] = f"What is number {n}?" + "\n(A) a cat\n(B) a dog\n(C) none" * embedded
        row |= dict.fromkeys(lettered(task), None) | {name: f"option {k}" for k, name in enumerate(lettered(task))}
        if listed(task) and reader == "letter":
            options = ["a cat", "a dog", "a cow"]
            row[listed(task)] = (
                str(options) if re.search("literal_eval|eval\\(", task.text.source + task.score.source) else options
            )
        truths = {
            "letter": "AB"[n % 2], "yes_no": ("yes", "no")[n % 2], "text": [f"word {n}"] * 10 if metric == "vqa" else f"word {n}", "number": n + 1,
            "caption": [f"a small dog runs by house {n}", f"one dog near a house {n}"], "box": [4.0 + n, 5.0, 20.0, 30.0],
        }  # fmt: skip
        row[truth_of(task)] = truths[reader]
        rows.append(row)
    split = str(task.keys.get("test_split") or task.keys.get("validation_split") or "test").strip()
    path = root / str(task.keys.get("dataset_path", "")).rpartition("/")[2] / f"data/{split}-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def tried(task: Task, text: str) -> str:
    """What is wrong with a draft on made data; empty where the oracle is perfect on it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            made(task, Path(folder))
            own = task_of(parse(text, f"{task.name}.yaml"), Path(folder))
            samples = own.samples(Path(folder))
            said = {sample.id: Answered(str(oracle_answer(own, sample))) for sample in samples}
            found = score(own, "standard", samples, said, references=False)
        except BenchError as error:
            return str(error)
        except Exception as error:  # what pyarrow says of columns that it cannot hold together
            return f"the made table: {error!r}"
        value = found.headline[1].value
        worst = found.headline[1].better == "lower"
        return (
            ""
            if value is not None and np.isclose(value, 0 if worst else 100) and found.counts["ok"] == 6
            else f"the oracle scores {value}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", type=Path, help="lmms_eval/tasks of the unpacked wheel")
    parser.add_argument("--output", type=Path, help="a folder for the drafts that run")
    parser.add_argument("--list", action="store_true", help="each task with what becomes of it")
    own = parser.parse_args()
    every = list(leaves(own.tasks))
    images = [task for task in every if task.modality == "image"]
    print(
        f"{len(every)} leaf tasks: "
        + ", ".join(f"{n} of {kind}" for kind, n in Counter(task.modality for task in every).most_common())
    )
    fates: dict[str, list[Task]] = defaultdict(list)
    forms: Counter[str] = Counter()
    for task in images:
        reason = why_not(task)
        if not reason:
            text = draft(task)
            fault = tried(task, text)
            reason = "the draft does not run" if fault else ""
            if not fault:
                forms["/".join(measured(task))] += 1
                if own.output:
                    own.output.mkdir(parents=True, exist_ok=True)
                    (own.output / f"{task.name.replace('/', '-')}.yaml").write_text(text)
            elif own.list:
                print(f"  {task.name}: {fault}")
        if not reason and helped(task):
            reason = WITHOUT
        elif reason and SHELF.fullmatch(task.name):
            reason = BY_HAND
        fates[reason or AS_IT_IS].append(task)
        if own.list:
            print(f"{task.name}: {reason or AS_IT_IS}, {'/'.join(measured(task))}")
    print(f"\n| what becomes of the {len(images)} image tasks | tasks | folders | share |\n| --- | --- | --- | --- |")
    for reason, tasks in sorted(fates.items(), key=lambda pair: (pair[0] not in DECLARED, -len(pair[1]))):
        print(f"| {reason} | {len(tasks)} | {len({task.folder for task in tasks})} | {100 * len(tasks) / len(images):.0f} % |")
    told = [task for reason in DECLARED for task in fates.get(reason, ())]
    print(
        f"\ndeclared: {len(told)} of {len(images)} ({100 * len(told) / len(images):.0f} %), in {len({task.folder for task in told})} folders"
    )
    print("drafts that run, by reader and metric: " + ", ".join(f"{form} {n}" for form, n in forms.most_common()))


if __name__ == "__main__":
    main()
