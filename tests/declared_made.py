"""Tiny files in exactly the form in which each shipped benchmark is published, so that its file is known to read what people have.

To add one, write a function of the data root and the number of rows, and name it in MADE by the task's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .declared_kit import base64_of, cloud, picture, png, write_json, write_parquet, write_table
from .declared_made_rooms import MADE as ROOMS

LETTERS = "ABCDEFGHIJ"
WORDS = ("red", "green", "a blue car", "3", "two dogs", "1950", "12%", "yes")


def mmstar(root: Path, count: int) -> None:
    rows = [
        {
            "index": n,
            "question": f"Which colour has number {n}?\nOptions: A: red, B: green, C: blue, D: none of them",
            "image": picture(n),
            "answer": LETTERS[n % 4],
            "category": ("math", "logical reasoning")[n % 2],
            "l2_category": "geometry",
            "meta_info": {"source": "made", "split": "val", "image_path": f"images/{n}.jpg"},
        }
        for n in range(count)
    ]
    write_parquet(root / "MMStar/mmstar.parquet", rows)


def exam(n: int, kind: str, options: list[str], answer: str) -> dict[str, Any]:
    images = {f"image_{k}": picture(10 * n + k) if k <= 1 + n % 2 else None for k in range(1, 8)}
    marks = " ".join(f"<image {k}>" for k in range(1, 2 + n % 2))
    return {"question": f"What do {marks} show?", "options": str(options), "answer": answer, "question_type": kind, **images}


def mmmu(root: Path, count: int) -> None:
    for subject in ("Accounting", "Art_Theory"):
        rows = []
        for n in range(count // 2):
            closed = n % 3 != 2
            own = (
                exam(n, "multiple-choice", ["$6", "$7", "it's <image 1>", "none"], LETTERS[n % 4])
                if closed
                else exam(n, "open", [], ["['24/7', '3.43']", "8"][n % 2])
            )
            rows.append(
                {
                    "id": f"validation_{subject}_{n + 1}",
                    **own,
                    "explanation": "",
                    "topic_difficulty": "Easy",
                    "subfield": "x",
                    "img_type": "['Tables']",
                }
            )
        write_parquet(root / f"MMMU/{subject}/validation-00000-of-00001.parquet", rows)


def mmmu_pro(root: Path, count: int) -> None:
    rows = [
        {
            "id": f"test_History_{n}",
            **exam(n, "multiple-choice", [f"option {k}" for k in range(10)], LETTERS[n % 10]),
            "subject": "History",
        }
        for n in range(count)
    ]
    rows = [{key: value for key, value in row.items() if key != "question_type"} for row in rows]
    write_parquet(root / "MMMU_Pro/standard (10 options)/test-00000-of-00001.parquet", rows)


def mmmu_pro_vision(root: Path, count: int) -> None:
    options = str([f"option {k}" for k in range(10)])
    rows = [
        {"id": f"test_History_{n}", "image": picture(n), "options": options, "answer": LETTERS[n % 10], "subject": "History"}
        for n in range(count)
    ]
    write_parquet(root / "MMMU_Pro/vision/test-00000-of-00001.parquet", rows)


def mathvista(root: Path, count: int) -> None:
    rows = []
    for n in range(count):
        closed = n % 2 == 0
        kind = "text" if closed else ("integer", "float", "list")[n % 3]
        answer = "(B) no"[4:] if closed else {"integer": "14", "float": "1.2", "list": "[1, 2]"}[kind]
        rows.append({
            "pid": str(n + 1), "question": f"How much is {n}?", "image": f"images/{n}.jpg", "decoded_image": picture(n),
            "choices": ["yes", "no"] if closed else None, "unit": None, "precision": 1.0 if kind == "float" else None, "answer": answer,
            "question_type": "multi_choice" if closed else "free_form", "answer_type": kind,
            "metadata": {"category": "math-targeted-vqa", "task": "geometry problem solving", "split": "testmini"},
            "query": f"Hint: Please answer the question.\nQuestion: How much is {n}?",
        })  # fmt: skip
    write_parquet(root / "MathVista/data/testmini-00000-of-00001-725687bf7a18d64b.parquet", rows)


def ai2d_hub(root: Path, count: int) -> None:
    rows = [
        {
            "question": f"Which is part {n}?",
            "options": ["leaf", "stem", "root", "seed"],
            "answer": str(n % 4),
            "image": picture(n),
        }
        for n in range(count)
    ]
    write_parquet(root / "ai2d/data/test-00000-of-00002.parquet", rows)


def chartqa(root: Path, count: int) -> None:
    rows = [
        {
            "type": ("human_test", "augmented_test")[n % 2],
            "question": f"What is bar {n}?",
            "answer": WORDS[n % len(WORDS)],
            "image": picture(n),
        }
        for n in range(count)
    ]
    write_parquet(root / "ChartQA/data/test-00000-of-00001-e2cd0b7a0f9eb20d.parquet", rows)


def docvqa(root: Path, count: int) -> None:
    rows = [
        {
            "questionId": str(337 + n), "question": f"What is line {n}?", "question_types": ["handwritten"], "image": picture(n), "docId": 279,
            "ucsf_document_id": "xnbl0037", "ucsf_document_page_no": "1", "answers": [WORDS[n % 8], WORDS[(n + 1) % 8]], "data_split": "val",
        }
        for n in range(count)
    ]  # fmt: skip
    write_parquet(root / "DocVQA/DocVQA/validation-00000-of-00006.parquet", rows)


def textvqa(root: Path, count: int) -> None:
    rows = [
        {
            "image_id": f"{n:08x}",
            "question_id": 34602 + n,
            "question": f"what is on sign {n}?",
            "ocr_tokens": ["A"],
            "answers": [WORDS[n % 8]] * 10,
            "image": picture(n),
        }
        for n in range(count)
    ]
    write_parquet(root / "textvqa/data/validation-00000-of-00003.parquet", rows)


def ocrbench(root: Path, count: int) -> None:
    kinds = (
        ("IIIT5K", "Regular Text Recognition", ["CENTRE"]),
        ("HME100k", "Handwritten Mathematical Expression Recognition", [r"\frac { x } { 2 }"]),
        ("docVQA", "Doc-oriented VQA", ["R. H. Honeycutt", "honeycutt"]),
    )
    rows = [
        {
            "dataset": kinds[n % 3][0],
            "question": f"what is written in image {n}?",
            "question_type": kinds[n % 3][1],
            "answer": kinds[n % 3][2],
            "image": picture(n),
        }
        for n in range(count)
    ]
    write_parquet(root / "OCRBench/data/test-00000-of-00001.parquet", rows)


def realworldqa(root: Path, count: int) -> None:
    closed = "In which direction does sign {n} point?\n\nA. Left.\nB. Right.\nC. Straight.\nPlease answer directly with only the letter of the correct option and nothing else."
    rows = [
        {"image": picture(n), "question": closed.format(n=n), "answer": LETTERS[n % 3]}
        if n % 3
        else {
            "image": picture(n),
            "question": f"How many lanes has road {n}?\nPlease answer directly with a single word or number.",
            "answer": ("3", "Yes")[n % 2],
        }
        for n in range(count)
    ]
    write_parquet(root / "RealWorldQA/data/test-00000-of-00002.parquet", rows)


def hallusionbench(root: Path, count: int) -> None:
    rows = [
        {
            "category": ("VD", "VS")[n // 8 % 2], "subcategory": "illusion", "visual_input": "1", "set_id": str(n // 8), "figure_id": str(n // 2 % 4),
            "sample_note": "circle", "question_id": str(n % 2), "question": "Is the right circle larger?", "gt_answer_details": "It is.",
            "gt_answer": str(n % 2), "filename": f"./hallusion_bench/{n}.png", "image": picture(n // 2),
        }
        for n in range(count)
    ]  # fmt: skip
    write_parquet(root / "HallusionBench/data/image-00000-of-00001.parquet", rows)


def blink(root: Path, count: int) -> None:
    for task in ("Art_Style", "Counting"):
        rows = [
            {
                "idx": f"val_{task}_{n + 1}", "sub_task": task, "question": "Which?", "image_1": picture(n), "image_2": picture(n + 1), "image_3": None,
                "image_4": None, "choices": ["the second image", "the third image"], "answer": f"({LETTERS[n % 2]})",
                "prompt": "Which image is closer?\nSelect from the following choices.\n(A) the second image\n(B) the third image\n", "explanation": "",
            }
            for n in range(count // 2)
        ]  # fmt: skip
        write_parquet(root / f"BLINK/{task}/val-00000-of-00001.parquet", rows)
        write_parquet(root / f"BLINK/{task}/test-00000-of-00001.parquet", [{**row, "answer": "hidden"} for row in rows])


def cv_bench(root: Path, count: int) -> None:
    for kind, sources in (("2D", ("ADE20K", "COCO")), ("3D", ("Omni3D",))):
        rows = [
            {
                "idx": n, "type": kind, "task": "Count", "image": picture(n), "question": "How many?", "choices": ["2", "1", "0"], "answer": f"({LETTERS[n % 3]})",
                "prompt": "How many organs are in the image? Select from the following choices.\n(A) 2\n(B) 1\n(C) 0", "filename": f"img/{n}.png",
                "source": sources[n % len(sources)], "source_dataset": "x", "source_filename": "y", "target_class": None, "target_size": None, "bbox": None,
            }
            for n in range(count // 2)
        ]  # fmt: skip
        write_parquet(root / f"CV-Bench/test_{kind.lower()}.parquet", rows)


def refcoco(folder: str, splits: tuple[str, ...]) -> Callable[[Path, int], None]:
    def make(root: Path, count: int) -> None:
        for split in splits:
            rows = [
                {
                    "question_id": str(469306 + n), "image": picture(n, (64, 48)), "question": "Please carefully observe the area.",
                    "answer": [f"man {n} on the left", f"the {n}th man"], "segmentation": [1.0, 2.0], "bbox": [4.5 + n, 6.0, 20.25, 30.0], "iscrowd": 0,
                    "file_name": f"COCO_train2014_{n:012d}_0.jpg",
                }
                for n in range(max(1, count // 2 // len(splits)))
            ]  # fmt: skip
            write_parquet(root / f"{folder}/data/{split}-00000-of-00001-969cf3e24e8b7b7b.parquet", rows)

    return make


def countbenchqa(root: Path, count: int) -> None:
    rows = [
        {"image": picture(n), "text": f"{n + 2} birds", "question": "How many birds are there?", "number": 2 + n % 8}
        for n in range(count)
    ]
    write_parquet(root / "CountBenchQA/data/test-00000-of-00001.parquet", rows)


def vstar(root: Path, count: int) -> None:
    rows = []
    for n in range(count):
        options = (
            ["The color is green.", "The color is white.", "The color is red.", "The color is pink."]
            if n % 2
            else ["right", "left"]
        )
        listed = "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options))
        rows.append({
            "image": picture(n), "text": f"What about glove {n}?\n{listed}\nAnswer with the option's letter from the given choices directly.",
            "category": ("relative_position", "direct_attributes")[n % 2], "label": LETTERS[n // 2 % 2], "question_id": str(n // 2),
        })  # fmt: skip
    write_parquet(root / "vstar-bench/data/test-00000-of-00001.parquet", rows)


def infovqa(root: Path, count: int) -> None:
    rows = [
        {
            "questionId": str(98313 + n),
            "question": f"How many is {n}?",
            "answers": [WORDS[n % 8]],
            "image": picture(n),
            "data_split": "val",
        }
        for n in range(count)
    ]
    write_parquet(root / "DocVQA/InfographicVQA/validation-00000-of-00003.parquet", rows)
    docvqa(root, 4)  # the other part of the same repository, which must not be read


def people(folder: str, split: str, plain: bool = True) -> Callable[[Path, int], None]:
    def make(root: Path, count: int) -> None:
        said = [[WORDS[n % 8]] * 10 for n in range(count)]
        if not plain:
            said = [
                [{"answer": one, "answer_confidence": "yes", "answer_id": k + 1} for k, one in enumerate(ten)] for ten in said
            ]
        rows = [
            {
                "question_id": 262148000 + n,
                "image": picture(n),
                "question": f"What is it in {n}?",
                "answers": said[n],
                "question_type": "what",
            }
            for n in range(count)
        ]
        write_parquet(root / f"{folder}/data/{split}-00000-of-00002.parquet", rows)

    return make


def gqa(root: Path, count: int) -> None:
    rows = [
        {
            "id": f"2013{n:05d}",
            "imageId": f"n{n % 5}",
            "question": f"Is it red in {n}?",
            "answer": ("yes", "left", "car")[n % 3],
            "isBalanced": True,
        }
        for n in range(count)
    ]
    write_parquet(root / "GQA/testdev_balanced_instructions/testdev-00000-of-00001.parquet", rows)
    write_parquet(
        root / "GQA/testdev_balanced_images/testdev-00000-of-00001.parquet",
        [{"id": f"n{n}", "image": picture(n)} for n in range(5)],
    )


def pope_hub(root: Path, count: int) -> None:
    rows = [
        {
            "id": str(n),
            "question_id": str(n % 6),
            "question": f"Is there a snowboard in image {n}?",
            "answer": ("yes", "no")[n % 2],
            "image_source": f"COCO_{n // 2}",
            "image": picture(n // 2),
            "category": "adversarial",
        }
        for n in range(count)
    ]
    write_parquet(root / "POPE/data/test-00000-of-00003.parquet", rows)


def mme_hub(root: Path, count: int) -> None:
    rows = [
        {
            "question_id": f"code_reasoning/{n // 2:04d}.png",
            "image": picture(n // 2),
            "question": "Is it right? Please answer yes or no.",
            "answer": ("Yes", "No")[n % 2],
            "category": ("code_reasoning", "OCR")[n // 12 % 2],
        }
        for n in range(count)
    ]
    write_parquet(root / "MME/data/test-00000-of-00004-a25dbe3b44c4fda6.parquet", rows)


def scienceqa_hub(root: Path, count: int) -> None:
    rows = [
        {
            "image": picture(n),
            "question": f"Which of these is number {n}?",
            "choices": ["West Virginia", "Louisiana", "Arizona"][: 2 + n % 2],
            "answer": n % 2,
            "hint": "" if n % 3 else "Look at the map.",
            "task": "closed choice",
            "grade": "grade2",
        }
        for n in range(count)
    ]
    write_parquet(root / "ScienceQA/ScienceQA-IMG/test-00000-of-00001.parquet", rows)


def seedbench_hub(root: Path, count: int) -> None:
    def row(n: int, kind: str) -> dict[str, Any]:
        options = {f"choice_{letter}": f"option {k}" for k, letter in enumerate("abcd")}
        return {
            "answer": LETTERS[n % 4],
            **options,
            "data_id": str(n),
            "data_type": kind,
            "question": f"How many towels are in {n}?",
            "question_id": str(101669 + n),
            "image": [picture(n)],
        }

    write_parquet(
        root / "SEED-Bench/data/test-00000-of-00027.parquet", [*(row(n, "image") for n in range(count)), row(0, "video")]
    )


def mmbench_row(n: int) -> dict[str, Any]:
    options = {"A": "a cat", "B": "a dog", "C": "a cow" if n % 2 else "nan", "D": "nan"}
    return {
        "index": n,
        "question": f"Which is in image {n}?",
        "hint": "It is an animal." if n % 3 else "nan",
        "answer": LETTERS[n % 2],
        **options,
        "category": "object_localization",
        "source": "reasoning",
        "split": "dev",
    }


def mmbench_hub(root: Path, count: int) -> None:
    rows = [
        {**mmbench_row(n), "image": picture(n), "L2-category": "finegrained_perception", "comment": "nan"} for n in range(count)
    ]
    write_parquet(root / "MMBench/en/dev-00000-of-00001.parquet", rows)


def mmbench_dev_en(root: Path, count: int) -> None:
    rows = [{**mmbench_row(n), "image": base64_of(png(n)), "l2-category": "finegrained_perception"} for n in range(count)]
    write_table(
        root / "MMBench_DEV_EN.tsv", [{key: "" if value == "nan" else value for key, value in row.items()} for row in rows]
    )


def screenspot(root: Path, count: int) -> None:
    rows = [
        {
            "file_name": f"pc_{n}.png",
            "bbox": [0.4 + n / 100, 0.1, 0.6 + n / 100, 0.2],
            "instruction": f"close window {n}",
            "data_type": ("text", "icon")[n % 2],
            "data_source": ("windows", "ios")[n // 2 % 2],
            "image": picture(n),
        }
        for n in range(count)
    ]
    write_parquet(root / "ScreenSpot/data/test-00000-of-00001.parquet", rows)


def captions(folder: str, split: str, column: str) -> Callable[[Path, int], None]:
    def make(root: Path, count: int) -> None:
        said = [[f"a {WORDS[n % 3]} boat lies on lake {k}" for k in range(n % 3 + 1)] for n in range(count)]
        write_parquet(
            root / f"{folder}/data/{split}-00000-of-00002.parquet",
            [{"image": picture(n), "image_id": n, "image_file_name": f"{n}.jpg", column: said[n]} for n in range(count)],
        )

    return make


# ------------------------------------------------------------------------------------------------ rooms


def room(n: int) -> str:
    return f"scene{n:04d}_0{n % 2}"


def rooms(root: Path, count: int, boxes: bool = False) -> None:
    for n in range(count):
        cloud(root / f"ScanNet/scannet_data/{room(n)}_aligned_vert.npy", n)
        if boxes:
            table = [
                [k + n / 8, 1.0, 0.5, 1.0 + k / 4, 0.5, 0.75, 5, 2 * k] for k in range(4)
            ]  # the last column: object ids 0, 2, 4, 6
            np.save(root / f"ScanNet/scannet_data/{room(n)}_aligned_bbox.npy", np.array(table, np.float64))


def situated(n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A question of SQA3D and its annotation."""
    question = ("What is behind me?", "How many chairs are there?", "Can I go forward?", "Should I turn?")[n % 4]
    asked = {
        "scene_id": room(n % 3),
        "situation": f"I am standing by table {n}.",
        "alternative_situation": ["I sit."],
        "question": question,
        "question_id": 220602000002 + n,
    }
    answer = {"answer": ("piano", "two", "yes", "left")[n % 4], "answer_confidence": "yes", "answer_id": 1}
    told = {
        "scene_id": room(n % 3), "question_type": "N/A", "answer_type": "other", "question_id": 220602000002 + n, "answers": [answer],
        "rotation": {"_x": 0, "_y": 0, "_z": -0.9995, "_w": -0.0291}, "position": {"x": 0.7, "y": -0.03, "z": 0},
    }  # fmt: skip
    return asked, told


INFO = {
    "info": {"description": "made", "version": "1.0"},
    "license": {"name": "CC BY 4.0"},
    "data_type": "scannet",
    "data_subtype": "v2",
}


def sqa3d(root: Path, count: int) -> None:
    rooms(root, 3)
    pairs = [situated(n) for n in range(count)]
    folder = root / "SQA3D/sqa_task/balanced"
    write_json(
        folder / "v1_balanced_questions_test_scannetv2.json",
        {**INFO, "task_type": "x", "questions": [asked for asked, _ in pairs]},
    )
    write_json(
        folder / "v1_balanced_sqa_annotations_test_scannetv2.json", {**INFO, "annotations": [told for _, told in pairs][::-1]}
    )


def real_3dqa(root: Path, count: int) -> None:
    rooms(root, 3)
    rows = [
        {**told, **asked, "question_type": ("spatial", "navigation")[n % 2]}
        for n in range(count)
        for asked, told in (situated(n),)
    ]
    write_json(root / "Real-3DQA/de-biased_testset_with_question_type.json", {**INFO, "questions": rows})


def scanqa_open(root: Path, count: int) -> None:
    rooms(root, 3)
    rows = [
        {
            "answers": [f"dark {WORDS[n % 3]}", WORDS[n % 3], f"the {WORDS[n % 3]} one"], "object_ids": [8], "object_names": ["cabinet"],
            "question": f"What color is table {n} by the door?", "question_id": f"val-scene0011-{n}", "scene_id": room(n % 3),
        }
        for n in range(count)
    ]  # fmt: skip
    write_json(root / "ScanQA/ScanQA_v1.0_val.json", rows)


def beacon3d_qa(root: Path, count: int) -> None:
    rooms(root, 4)
    kinds = ("appearance", "spatial", "geometry")
    rows = [
        {
            "question_id": f"{room(n // 6)}_{27 + n // 3}_{n % 3}_{kinds[n % 3]}_{n % 2}", "scene_id": room(n // 6), "question": f"Is box {n} near the door?",
            "object_ids": [27 + n // 3], "object_names": ["box"], "answers": [("White", "No", "Larger")[n % 3]],
        }
        for n in range(count)
    ]  # fmt: skip
    write_json(root / "beacon-3d/data/scannet/scannet_qa.json", rows)


def multi3drefer(root: Path, count: int) -> None:
    rooms(root, 3, boxes=True)
    kinds = (("zt_w_d", []), ("st_wo_d", [2]), ("mt", [0, 4, 6]))
    rows = [
        {
            "scene_id": room(n % 3), "object_id": 2, "object_ids": kinds[n % 3][1], "object_name": "chair", "ann_id": str(n), "eval_type": kinds[n % 3][0],
            "description": f"all brown chairs of row {n}", "token": ["all"],
        }
        for n in range(count)
    ]  # fmt: skip
    write_json(root / "Multi3DRefer/multi3drefer_val.json", rows)


def pointllm_objaverse(root: Path, count: int) -> None:
    rows = []
    for n in range(count):
        name = f"{n:032x}"
        cloud(root / f"PointLLM/objaverse_data/{name}_8192.npy", n)
        talk = [
            {"from": "human", "value": "<point>\nWhat is this?"},
            {"from": "gpt", "value": f"A {WORDS[n % 3]} wooden chair with {WORDS[n % 5]} legs."},
        ]
        rows.append({"object_id": name, "conversations": talk})
    write_json(root / "PointLLM/PointLLM_brief_description_val_200_GT.json", rows)


SPLITS = ("val", "testA", "testB")
MADE: dict[str, Callable[[Path, int], None]] = {
    "mmstar": mmstar, "mmmu": mmmu, "mmmu-pro": mmmu_pro, "mmmu-pro-vision": mmmu_pro_vision, "mathvista": mathvista, "ai2d-hub": ai2d_hub,
    "chartqa": chartqa, "docvqa": docvqa, "textvqa": textvqa, "ocrbench": ocrbench, "realworldqa": realworldqa, "hallusionbench": hallusionbench,
    "blink": blink, "cv-bench": cv_bench, "refcoco": refcoco("RefCOCO", SPLITS), "refcoco-plus": refcoco("RefCOCOplus", SPLITS),
    "refcocog": refcoco("RefCOCOg", ("val", "test")), "countbenchqa": countbenchqa, "vstar": vstar, "sqa3d": sqa3d, "real-3dqa": real_3dqa,
    "scanqa-open": scanqa_open, "beacon3d-qa": beacon3d_qa, "multi3drefer": multi3drefer,
    "pointllm-objaverse": pointllm_objaverse, "infovqa": infovqa, "okvqa": people("OK-VQA", "val2014"), "vizwiz-vqa": people("VizWiz-VQA", "val"),
    "vqav2": people("VQAv2", "validation", plain=False), "gqa": gqa, "pope-hub": pope_hub, "mme-hub": mme_hub, "scienceqa-hub": scienceqa_hub,
    "seedbench-hub": seedbench_hub, "mmbench-hub": mmbench_hub, "mmbench-dev-en": mmbench_dev_en, "screenspot": screenspot,
    "nocaps": captions("NoCaps", "validation", "annotations_captions"), "textcaps": captions("TextCaps", "val", "caption_str"),
    **ROOMS,
}  # fmt: skip
