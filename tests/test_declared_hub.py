"""Which of the hub's files each shipped benchmark takes, among names as the pages of the repositories list them (huggingface.co/datasets/
OWNER/NAME/tree/main and below, read in 2024 to 2026)."""

from __future__ import annotations

import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.declared import load_task


def parts(stem: str, count: int, hashes: str = "") -> list[str]:
    """`data/test-00000-of-00002.parquet` and its fellows; with what older uploads have behind their numbers."""
    ends = [f"-{one}" for one in hashes.split()] or [""] * count
    return [f"{stem}-{number:05d}-of-{count:05d}{end}.parquet" for number, end in zip(range(count), ends)]


MME = "a25dbe3b44c4fda6 7d22c7f1aba6fca4 594798fd3f5b029c 53ae1794f93b1e35"
NOCAPS = "55b5edbf01d47b39 44f6cbdc2de0413a 9ac41c0db1646ae3"
ROOT = [".gitattributes", "README.md"]
LISTED: dict[str, tuple[list[str], list[str]]] = {  # task -> what is taken, what lies beside it
    "mmstar": (["mmstar.parquet"], ["MMStar.tsv"]),
    "ai2d-hub": (parts("data/test", 2), []),
    "pope-hub": (parts("data/test", 3), []),
    "mme-hub": (parts("data/test", 4, MME), []),
    "docvqa": (
        parts("DocVQA/validation", 6),
        [*parts("DocVQA/test", 6), *parts("DocVQA/train", 12), *parts("InfographicVQA/validation", 4)],
    ),
    "infovqa": (parts("InfographicVQA/validation", 4), [*parts("DocVQA/validation", 6), *parts("InfographicVQA/train", 24)]),
    "gqa": (
        [*parts("testdev_balanced_images/testdev", 1), *parts("testdev_balanced_instructions/testdev", 1)],
        [*parts("test_balanced_instructions/test", 1), *parts("test_balanced_images/test", 1)],
    ),
    "mmbench-hub": (parts("en/dev", 1), [*parts("en/test", 1), *parts("cn/dev", 1), *parts("cn/test", 1), *parts("cc/test", 1)]),
    "hallusionbench": (parts("data/image", 1), parts("data/non_image", 1)),
    "refcoco": ([*parts("data/testA", 1), *parts("data/testB", 1), *parts("data/val", 4)], parts("data/test", 2)),
    "refcoco-plus": ([*parts("data/testA", 1), *parts("data/testB", 1), *parts("data/val", 2)], []),
    "mmmu-pro": (parts("standard (10 options)/test", 2), [*parts("standard (4 options)/test", 2), *parts("vision/test", 4)]),
    "mmmu-pro-vision": (parts("vision/test", 4), parts("standard (10 options)/test", 2)),
    "okvqa": (parts("data/val2014", 2), []),
    "blink": ([*parts("Art_Style/val", 1), *parts("Counting/val", 1)], [*parts("Art_Style/test", 1), *parts("Counting/test", 1)]),
    "nocaps": (parts("data/validation", 3, NOCAPS), parts("data/test", 1, "5b4195c41905fab2")),
    "vizwiz-vqa": (parts("data/val", 1, "7775fd61bc6a3d98"), parts("data/test", 1, "8bb04d0d8c47d4ab")),
    "scienceqa-hub": (parts("ScienceQA-IMG/test", 1), [*parts("ScienceQA-IMG/validation", 1), *parts("ScienceQA-FULL/test", 1)]),
    "screenspot": (parts("data/test", 3), []),
    "mathvista": (
        parts("data/testmini", 1, "725687bf7a18d64b"),
        [*parts("data/test", 2, "6b81bd7f7e2065e6 6a611c71596db30f"), "annot_testmini.json", "images.zip", "source.json"],
    ),
    "chartqa": (parts("data/test", 1), []),
    "textvqa": (parts("data/validation", 3), [*parts("data/test", 4), *parts("data/train", 20)]),
    "textcaps": (parts("data/val", 2), [*parts("data/test", 1), *parts("data/train", 13)]),
    "cv-bench": (["test_2d.parquet", "test_3d.parquet"], ["build_img.py", "test_2d.jsonl", "test_3d.jsonl"]),
    "countbenchqa": (parts("data/test", 1), []),
    "realworldqa": (parts("data/test", 2), []),
    "refcocog": ([*parts("data/test", 2), *parts("data/val", 3)], []),
    "pointllm-objaverse": (["PointLLM_brief_description_val_200_GT.json"], ["PointLLM_brief_description_660K.json"]),
}
UNREAD = {  # whose pages were not found: their names are those of other people's loaders
    *("mmmu", "ocrbench", "real-3dqa", "seedbench-hub", "vqav2", "vstar"),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_benchmark_takes_its_own_files_and_no_others(name: str) -> None:
    origin = load_task(FOLDER / f"tasks/{name}.yaml").origin
    assert origin is not None
    wanted, beside = LISTED[name]
    found = origin.matches([*ROOT, *wanted, *beside])
    assert sorted({one for own in found.values() for one in own}) == sorted(wanted)


def test_every_benchmark_of_the_hub_is_listed_or_said_to_be_unread() -> None:
    tasks = [load_task(file) for file in (FOLDER / "tasks").glob("*.yaml")]
    assert {task.name for task in tasks if task.origin is not None} == set(LISTED) | UNREAD


def test_commits_that_are_pinned_are_whole() -> None:
    pinned = {}
    for file in (FOLDER / "tasks").glob("*.yaml"):
        origin = load_task(file).origin
        if origin is not None and origin.revision:
            pinned[file.stem] = origin.revision
    assert len(pinned) >= 9 and all(len(commit) == 40 and set(commit) <= set("0123456789abcdef") for commit in pinned.values())
