"""What constructed dialogues are worth: a checkpoint tuned on C1-C4, made of annotations, beside one tuned on the miniature's own dialogues.

Both go on from the same checkpoint, see pictures of the same kinds, as many of them, and learn for as many steps; the constructed ones are
written by a script that stands for a good language model (C1-C3) and by templates (C4), the others by the drawer of the pictures.

    python benchmarks/constructed.py --start runs/loo --out constructed [--steps 200] [--limit 60] [--seeds 2]"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from lamm_bench.api import evaluate
from lamm_bench.cli.data_construct import Asker
from lamm_bench.data.construct.plan import read_plan
from lamm_bench.data.construct.session import Made, Model, construct
from lamm_bench.data.mini import ensure
from lamm_bench.training.run import train
from lamm_bench.types import Generate, Response

TASKS = "ucmerced,celeba-hair,celeba-smile,flickr30k"
FILES = [
    "Fine-grained_Classification_UCMerced",
    "Facial_Classification_CelebA(Hair)",
    "Facial_Classification_CelebA(Smile)",
    "Caption_flickr30k",
]
DRAWN = {
    ("ucmerced_images", "fine_grained_classification"): 252, ("ucmerced_images", "description"): 252,
    ("celeba_images", "facial_classification"): 240, ("celeba_images", "description"): 240, ("voc2012_images", "description"): 240,
}  # fmt: skip
"""How many dialogues of each kind the drawn ones have: about as many pictures as two miniatures draw of each."""

KNOWN = {
    "beach": ["A beach is where sand meets the sea.", "Waves pile it up and take it away again.", "People come to bathe and to lie in the sun."],
    "forest": ["A forest is land that trees cover.", "From above its crowns close to one dark green.", "It keeps water in the ground and cools the air."],
    "freeway": ["A freeway is a wide road for fast traffic.", "Its lanes run side by side without crossings.", "Signs and ramps lead on and off it."],
    "golfcourse": ["A golf course has short grass around small flags.", "Pits of sand make the way to them harder.", "Players walk from one hole to the next."],
    "harbor": ["A harbor shelters ships from the waves.", "Boats lie side by side along its piers.", "Cranes and ropes stand ready for them."],
    "river": ["A river carries water from the hills to the sea.", "Seen from above it winds through the land.", "Towns have grown on its banks for ages."],
    "runway": ["On a runway airplanes take off and land.", "Painted bars mark its two ends.", "It must be long, flat and free of anything else."],
    "tenniscourt": ["A tennis court is a lined field with a net.", "Two or four players send a ball across.", "Its ground is clay, grass or something harder."],
}  # fmt: skip
"""Texts about labels, for C2; ours."""

ASKS = ("What is going on here?", "What do you see?", "Can you tell me what this shows?", "What is in this picture?")
MORE = (
    "Is there anything else to it?",
    "Could you put that in other words?",
    "How would somebody else tell it?",
    "And to say it once more?",
)
LEADS = ("All in all:", "Somebody else might say:", "In other words:", "One could also tell it like this:", "To look again:")


def written(request: Generate) -> str:
    """A dialogue that keeps to the facts, in words drawn by the request's seed."""
    facts, rng = json.loads(request.messages[-1].text.removeprefix("FACTS: ")), Random(request.seed)
    if "knowledge" in facts:
        ((name, text),) = facts["knowledge"].items()
        told = [f"{one.strip()}." for one in text.split(".") if one.strip()]
        rng.shuffle(told)
        pairs = [("What is shown from above?", f"This is a {name}."), (f"What is to be known of a {name}?", " ".join(told[:2]))]
    elif "question" in facts:
        sentences = rng.sample(facts["sentences"], min(4, len(facts["sentences"])))
        pairs = [
            (facts["question"], " ".join(f"{rng.choice(LEADS)} {one}" if number else one for number, one in enumerate(sentences)))
        ]
    else:
        first, second = rng.sample(facts["sentences"], 2) if len(facts["sentences"]) > 1 else [facts["sentences"][0]] * 2
        pairs = [(rng.choice(ASKS), first), (rng.choice(MORE), second)]
    return json.dumps({"dialogue": [{"question": question, "answer": answer} for question, answer in pairs]})


class Writer:
    """The script as a model adapter."""

    name, modalities = "scripted-writer", frozenset[str]()

    def fingerprint(self) -> str:
        return "written by benchmarks/constructed.py"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from ((number, Response(written(request))) for number, request in enumerate(requests))


def constructed(out: Path, seeds: int) -> Made:
    """C1-C4 from the annotations of miniatures with seeds of their own."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "known.json").write_text(json.dumps({name: " ".join(texts) for name, texts in KNOWN.items()}))
    files = [f"2D_Benchmark/meta_file/{name}.json" for name in FILES]
    sources = [{"reader": "benchmark", "miniature": seed, "files": files, "as": f"mini{seed}"} for seed in range(1, seeds + 1)]
    c4 = {"tasks": "classification,faces,captions", "style": "short", "own_questions": 0.5}
    plan = {
        "name": "constructed",
        "sources": sources,
        "kinds": {"C1": {}, "C2": {}, "C3": {}, "C4": c4},
        "knowledge": ["known.json"],
    }
    (out / "plan.yaml").write_text(json.dumps(plan))  # JSON is YAML
    writer = Writer()
    return construct(
        read_plan(str(out / "plan.yaml")), out / "made", Model("scripted", writer.fingerprint(), Asker(writer, None))
    )


def drawn(out: Path) -> Path:
    """The miniature's own dialogues, the first of each kind, in a data root of their own."""
    base = ensure(("train",)) / "2D_Instruct"
    left, kept = dict(DRAWN), []
    for item in json.loads((base / "meta_file/LAMM_instruct_mini.json").read_text()):
        kind = (item["image"].split("/")[0], item["task_type"])
        if left.get(kind, 0):
            left[kind] -= 1
            kept.append(item)
    root = out / "drawn"
    (root / "2D_Instruct/meta_file").mkdir(parents=True, exist_ok=True)
    (root / "2D_Instruct/meta_file/constructed.json").write_text(json.dumps(kept))
    for folder in {item["image"].split("/")[0] for item in kept}:
        if not (link := root / "2D_Instruct" / folder).exists():
            link.symlink_to(base / folder)
    return root


def tuned(start: Path, root: Path, folder: Path, steps: int) -> None:
    """Tunes with the preset finetune for so many steps; how many epochs that is, a first training of the same rows tells."""
    told = {"start": str(start), "data.point_cloud": "[]", "data.row_tokens": "200", "data.text_tokens": "400", "threads": "1"}
    told |= {"stages.finetune.batch": "4", "stages.finetune.rate": "4.0e-3"}
    train("finetune", folder, {**told, "stages.finetune.epochs": "1"}, data_root=root, fresh=True)
    own = len((folder / "metrics.jsonl").read_text().splitlines())
    train("finetune", folder, {**told, "stages.finetune.epochs": str(steps / own)}, data_root=root, fresh=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    made = constructed(asked.out, asked.seeds)
    print((made.folder / "card.md").read_text())
    folders = {"before": asked.start}
    for name, root in (("drawn", drawn(asked.out)), ("constructed", made.folder)):
        folders[name] = asked.out / f"checkpoint-{name}"
        if not (folders[name] / "config.json").is_file():
            tuned(asked.start, root, folders[name], asked.steps)
    print("| task | metric | " + " | ".join(folders) + " |\n| --- | --- |" + " --- |" * len(folders))
    runs = {
        name: evaluate(
            "lamm", TASKS, ensure(("test",)), asked.limit, settings={"checkpoint": str(folder)}, output=asked.out / f"run-{name}"
        )
        for name, folder in folders.items()
    }
    for task in TASKS.split(","):
        cells = []
        for run in runs.values():
            metric, found = next(iter(run.scores[task].items()))
            cells.append(f"{found.value:.1f}" + (f" [{found.ci95[0]:.1f}, {found.ci95[1]:.1f}]" if found.ci95 else ""))
        print(f"| {task} | {metric} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
