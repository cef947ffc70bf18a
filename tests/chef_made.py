"""Small folders of ChEF's scenarios in their official layouts, drawn in a test, so that laws hold without any data set."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.tasks.chef_scenarios.ch3ef import DIMENSIONS
from lamm_bench.tasks.chef_scenarios.mme import SUBTASKS
from lamm_bench.tasks.chef_scenarios.octavius import BOXES, CLOUDS
from lamm_bench.tasks.chef_scenarios.pope import SETTINGS

WORDS = ["oak", "granite", "a red kite", "U.S. mail", "12", "Vitamin C", "salt water", "the moon"]
PLAIN = [word for word in WORDS if "." not in word]


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 7), (20, len(path.name) * 9 % 256, 90)).save(path)


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def pope(root: Path, rng: Random) -> None:
    for setting in SETTINGS:
        entries = []
        for number in range(12):
            name = f"COCO_val2014_{number // 3:012}.jpg"
            picture(root / "coco_pope/val2014" / name)
            label = rng.choice(["yes", "no"]) if number > 1 else ["yes", "no"][number]
            entries.append({"question_id": number + 1, "image": name, "text": f"Is there a {rng.choice(WORDS)}?", "label": label})
        path = root / f"coco_pope/coco_pope_{setting}.json"
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def mme(root: Path, rng: Random) -> None:
    for place, subtask in enumerate(SUBTASKS):
        split = place % 2 == 0
        folder = root / "MME" / subtask
        for number in range(2):
            picture((folder / "images" if split else folder) / f"{subtask}{number}{'.jpg' if place % 3 else '.png'}")
            texts = folder / "questions_answers_YN" if split else folder
            texts.mkdir(parents=True, exist_ok=True)
            lines = [f"Is it a {rng.choice(WORDS)} ({answer})? Please answer yes or no.\t{answer}\n" for answer in ("Yes", "No")]
            (texts / f"{subtask}{number}.txt").write_text("".join(lines), encoding="utf-8")


def seedbench(root: Path, rng: Random) -> None:
    entries = []
    for number in range(10):
        options = rng.sample(WORDS, 4)
        entry = {"question_id": str(number), "question": f"Which of them is shown in {number}?", "answer": rng.choice("ABCD")}
        entry |= {f"choice_{letter}": option for letter, option in zip("abcd", options)}
        entries.append({**entry, "data_id": f"{number}.jpg", "data_type": "image" if number else "video"})
        picture(root / "SEED-Bench/SEED-Bench-image" / f"{number}.jpg")
    write_json(root / "SEED-Bench/SEED-Bench.json", {"questions": entries})
    second = []
    for number, entry in enumerate(entries):
        names = [f"{number}_{frame}.jpg" for frame in range(1 + number % 3)]
        source = "cc3m" if number % 2 else "SEED-Bench v2"
        for name in names:
            picture(root / "SEEDBench2/image" / ("cc3m-image" if number % 2 else "SEED-Bench-2-image") / name)
        several = names if len(names) > 1 else names[0]
        second.append(
            {**entry, "data_id": several, "data_source": source, "data_type": "Video" if len(names) > 1 else "Single Image"}
        )
    write_json(root / "SEEDBench2/SEED-Bench_v2_level1_2_3.json", {"questions": second})


def scienceqa(root: Path, rng: Random) -> None:
    entries = []
    for number in range(10):
        choices = rng.sample(WORDS, rng.randint(2, 5))
        told = " ".join(f"({letter}) {choice}" for letter, choice in zip("ABCDE", choices))
        query = f"What is {number}?\nContext: Nothing is known.\nOptions: {told}\n"
        entry = {"id": 3 * number, "image": f"sqaimage_images/{number}.png", "query": query, "gt_choices": choices}
        entries.append({**entry, "gt_choice": rng.randrange(len(choices))})
        picture(root / "LAMM/2D_Benchmark/sqaimage_images" / f"{number}.png")
    write_json(root / "LAMM/2D_Benchmark/meta_file/VQA_ScienceQA.json", entries)


def mmbench(root: Path, rng: Random) -> None:
    rows = []
    for number in range(8):
        options = rng.sample(WORDS, rng.randint(2, 4))
        right = rng.randrange(len(options))
        for turn in range(len(options)):
            turned = options[turn:] + options[:turn]
            row = {
                "index": 241 + number + turn * 1_000_000,
                "question": f"What is {number}?",
                "hint": "A hint." if number % 2 else "",
            }
            row |= dict(zip("ABCD", [*turned, "", "", ""]))
            rows.append({**row, "answer": "ABCD"[turned.index(options[right])], "image": f"bytes of picture {number // 2}"})
            picture(root / "MMBench/images" / f"mmbench_image_{row['index']}.png")
    rng.shuffle(rows)
    with (root / "MMBench/mmbench_dev_20230712.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["index", "question", "hint", "A", "B", "C", "D", "answer", "image"], delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def winoground(root: Path, rng: Random) -> None:
    entries = []
    for number in range(8):
        one, other = rng.sample(WORDS, 2)
        names = {f"image_{place}": f"ex_{number}_img_{place}" for place in (0, 1)}
        captions = {"caption_0": f"{one} on {other} number {number}", "caption_1": f"{other} on {one} number {number}"}
        entries.append({"id": number, **names, **captions})
        for name in names.values():
            picture(root / "Winoground/images" / f"{name}.png")
    path = root / "Winoground/examples.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def mmmu(root: Path, rng: Random) -> None:
    rows = []
    for number in range(12):
        name = f"validation_{rng.choice(['Art_Theory', 'Biology', 'Math'])}_{number}"
        options = rng.sample(WORDS, rng.randint(2, 6))
        closed = {"options": repr(options), "answer": "ABCDEF"[rng.randrange(len(options))], "question_type": "multiple-choice"}
        opened = {"options": "[]", "answer": rng.choice(["3.5", "oak", ["0.75", "3/4"]]), "question_type": "open"}
        count = rng.randint(1, 3)
        images = {f"image_{place}": True if place <= count else None for place in range(1, 8)}
        rows.append({"id": name, "question": f"What is {number}?", **(opened if number % 3 == 0 else closed), **images})
        for place in range(count):
            picture(root / "MMMU_images" / f"{name}_{place}.png")
    write_json(root / "MMMU/validation.json", rows)


def ch3ef(root: Path, rng: Random) -> None:
    for dimension in DIMENSIONS:
        entries = []
        for number in range(10):
            names = [f"images/{dimension}{number}_{place}.png" for place in range(1 + number % 2)]
            options = [*rng.sample(WORDS, rng.randint(2, 3)), *(["I don't know."] if number % 4 == 0 else [])]
            entries.append({"id": number, "image": names, "query": f"What is {number}?", "options": options, "source": "a"})
            for name in names:
                picture(root / "Ch3Ef" / name)
        write_json(root / f"Ch3Ef/meta_file/{dimension}.json", {"items": entries})


def omnibenchmark(root: Path, rng: Random) -> None:
    """A tree of three realms, each with two children at each of three levels."""
    names, children, fathers = {"n0": ["thing"]}, {}, {}

    def grow(father: str, name: str, depth: int) -> None:
        if depth < 4:
            children[father] = [f"{father}{branch}" for branch in "abc"[: 3 - (depth > 0)]]
            for own in children[father]:
                names[own], fathers[own] = [f"{name}{own[-1]}"], [father]
                grow(own, f"{name}{own[-1]}", depth + 1)

    grow("n0", "kind ", 0)
    write_json(root / "Bamboo/tree.json", {"id2name": names, "father2child": children, "child2father": fathers})
    entries = []
    for number in range(10):
        own, chain = "n0", []
        for _ in range(4):
            own = rng.choice(children[own])
            chain.append(names[own][0])
        entries.append({"image": f"omnibenchmark_images/{number}.png", "label": chain[-1], "realm_name": "r", "chain": chain})
        picture(root / "ChEF/OmniBenchmark_Bamboo/omnibenchmark_images" / f"{number}.png")
    write_json(root / "ChEF/OmniBenchmark_Bamboo/meta_file/Classification_Omnibenchmark.json", entries)


def lamm_files(root: Path, rng: Random) -> None:
    """CIFAR10 and FSC147, LAMM's own."""
    for name, own in (
        ("Classification_CIFAR10", lambda: {"label": rng.choice(["cat", "dog", "ship"])}),
        ("Counting_FSC147", lambda: {"num": rng.randint(0, 30)}),
    ):
        entries = []
        for number in range(10):
            entries.append({"id": number, "image": f"{name}/{number}.png", "query": "What or how many?", **own()})
            picture(root / "LAMM/2D_Benchmark" / name / f"{number}.png")
        write_json(root / f"LAMM/2D_Benchmark/meta_file/{name}.json", entries)


def voc2012(root: Path, rng: Random) -> None:
    """Pictures of one to three things, also two of a class."""
    entries = []
    for number in range(10):
        things = []
        for label in rng.choices(["cat", "dog", "aeroplane", "boat", "person", "sheep"], k=rng.randint(1, 3)):
            x, y = rng.uniform(0, 0.5), rng.uniform(0, 0.5)
            box = [x, y, x + rng.uniform(0.1, 0.5), y + rng.uniform(0.1, 0.5)]
            things.append({"label": label, "bbox": [round(value, 4) for value in box]})
        entries.append({"id": f"v{number}", "image": f"voc2012_images/{number}.png", "query": "What is where?", "object": things})
        picture(root / "LAMM/2D_Benchmark/voc2012_images" / f"{number}.png")
    write_json(root / "LAMM/2D_Benchmark/meta_file/Detection_VOC2012.json", entries)


def flickr30k(root: Path, rng: Random) -> None:
    """Five captions a picture, and a vector of each."""
    entries, vectors = [], {}
    for number in range(8):
        sentences = [f"Number {number} is {rng.choice(PLAIN)} beside the {rng.choice(PLAIN)} of {place}." for place in range(5)]
        entries.append({"id": number, "image": f"flickr30k_images/{number}.png", "query": "Describe.", "sentences": sentences})
        vectors |= {sentence: [rng.gauss(number, 1), rng.gauss(0, 1), rng.gauss(-number, 1)] for sentence in sentences}
        picture(root / "LAMM/2D_Benchmark/flickr30k_images" / f"{number}.png")
    write_json(root / "LAMM/2D_Benchmark/meta_file/Caption_flickr30k.json", entries)
    write_json(root / "LAMM/2D_Benchmark/flickr30k_vectors.json", vectors)


def octavius(root: Path, rng: Random) -> None:
    """Rooms and single things, with the boxes of some of them."""
    base = root / "Octavius"
    for kind, name in (
        ("Classification", "scannet"),
        ("Classification", "shapenet"),
        ("Caption", "scannet"),
        ("Caption", "nr3d"),
        ("VQA", "scannet"),
    ):
        entries = []
        for number in range(8):
            scene = f"{name}{number}" if name == "shapenet" else f"scene{number // 2:04}_{number % 2:02}"
            thing = rng.choice(["chair", "office chair", "door", "window"])
            told = {"Classification": thing, "VQA": f"The {rng.choice(PLAIN[:2])} stands beside the wall."}
            reference = told.get(kind, f"This is a {thing} near the {rng.choice(PLAIN)} number {number}.")
            turns = [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": reference}]
            entry = {"scene_id": scene, "object_name": thing, "conversations": turns, "task_type": f"{kind}3D"}
            entries.append(entry if kind == "VQA" else {**entry, "object_id": number})
            save_array(
                base / CLOUDS[name] / f"{scene}.npy", np.random.default_rng(number).normal(size=(64, 6)).astype(np.float32)
            )
            if kind == "Caption" and number % 2:
                corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 2) for z in (0, 3)], dtype=np.float32)
                save_array(base / BOXES[name] / "bbox" / scene / f"{number}-{thing.replace(' ', '_')}.npy", corners)
        write_json(base / f"meta_file/{kind}_{name}.json", entries)


def save_array(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


MAKERS = (
    scienceqa,
    mmbench,
    mme,
    seedbench,
    pope,
    winoground,
    mmmu,
    ch3ef,
    omnibenchmark,
    lamm_files,
    voc2012,
    flickr30k,
    octavius,
)


def make_scenarios(root: Path, seed: int = 0) -> Path:
    """Every scenario, a few items of each."""
    for maker in MAKERS:
        maker(root, Random(f"{seed}/{maker.__name__}"))
    return root
