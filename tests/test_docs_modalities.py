"""The modalities of docs/extending.md: sound in one file, drawn, trained and asked as the page says, and video without training."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from lamm_bench import media
from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from .commands import done
from .test_docs import example

CLIPS = """
from lamm_bench.reading import Lexicon, read_label
from lamm_bench.stats import ratio
from lamm_bench.task import read_items
from lamm_bench.types import Metric, Sample


class Named:
    metrics = (Metric("accuracy", ratio("right", "items")),)

    def read(self, answer, sample):
        return read_label(answer, Lexicon({}).vocabulary(sample.meta["labels"]))

    def score(self, sample, prediction):
        return {"items": 1.0, "right": float(prediction == sample.target)}

    def show(self, sample, prediction, stats):
        return {"value": int(stats["right"])}

    def whole(self, rows):
        return {}


class Clips:
    name, kind, modality, groups, max_new_tokens = "clips", "classification", "video", ("video",), 16
    meta_files, answer_files, protocols = ("Video_Benchmark/meta_file/Clips.json",), ("Clips",), {"standard": Named()}

    def samples(self, root):
        items = list(read_items(root, self.meta_files))
        labels = tuple(sorted({item.text("label") for item in items}))
        return [
            Sample(i.id, i.text("query"), i.media("video"), i.text("label"), i.id, meta={"labels": labels}) for i in items
        ]

    def oracle(self, sample, part=""):
        return sample.target

    def chance(self, sample, rng, samples, part=""):
        return rng.choice(sample.meta["labels"])

    def majority(self, samples):
        return samples[0].target


TASKS = (Clips(),)
"""


@pytest.fixture()
def written(tmp_path: Path) -> Iterator[Path]:
    """The files of the page; what they bring is forgotten afterwards."""
    for name in ("sound.py", "sound.yaml", "video.py"):
        (tmp_path / name).write_text(example(name))
    yield tmp_path
    for name in ("sound", "video"):
        media.forget(name)


def drawn(written: Path, train: int, test: int) -> Path:
    code = f"import sound, pathlib; sound.draw(pathlib.Path({str(written / 'sounds')!r}), {train}, {test})"
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=written, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    return written / "sounds"


def accuracy(written: Path, *words: object) -> dict:
    """The only result of a run about sounds."""
    common = ("--plugin", written / "sound.py", "--model", "lamm", "--tasks", "sounds", "--data-root", written / "sounds")
    done("run", *common, *words, "--output", written / "run", "--fresh", "--json", written / "r.json")
    (entry,) = json.loads((written / "r.json").read_text())["results"]
    return entry


def test_sound_goes_the_whole_way_in_small(written: Path, mini_root: Path) -> None:
    drawn(written, 60, 12)
    plugin = ("--plugin", written / "sound.py")
    train = (
        "train-baseline",
        *plugin,
        "--preset",
        written / "sound.yaml",
        "--data-root",
        written / "sounds",
        "--output",
        written / "out",
    )
    done(*train, "--set", "stages.ear.epochs=1", "--set", "stages.tongue.epochs=1")
    checkpoint = ("--set", f"checkpoint={written / 'out'}")
    assert accuracy(written, *checkpoint)["counts"]["expected"] == 12
    assert accuracy(written, *checkpoint, "--control", "blind")["counts"]["expected"] == 12
    assert accuracy(written, *checkpoint, "--control", "shuffled")["counts"]["expected"] == 12
    assert "sound-used" in done("doctor", *plugin, "--model", "lamm", *checkpoint, "--check", "sound-used", "--check", "parts")
    assert "2 s at 8000 Hz" in done("show", "sounds", *plugin, "--data-root", written / "sounds")
    assert "sound encoder" in done("checkpoint", "inspect", *plugin, written / "out")
    done("report", written / "run", *plugin, "--data-root", written / "sounds")
    page = (written / "run/report.html").read_text()
    assert "<audio controls" in page and "media-src data:" in page  # the page's own policy must let it play
    # what it knew before it still says, word for word
    same = ("--tasks", "cifar10,scanqa", "--data-root", mini_root, "--limit", "4")
    said = []
    for name, more in (("new", checkpoint), ("old", ())):
        done("run", *plugin, "--model", "lamm", *more, *same, "--output", written / name)
        lines = [
            line for file in ("cifar10", "scanqa") for line in (written / name / f"records/{file}.jsonl").read_text().splitlines()
        ]
        said.append([json.loads(line)["response"]["text"] for line in lines])
    assert said[0] == said[1] and len(said[0]) == 8


def test_sound_is_learnt_and_blind_stays_at_chance(written: Path) -> None:
    """The page's own lines, minutes long: in the second round of continuous integration."""
    if not os.environ.get("LAMM_BENCH_LONG_TESTS"):
        pytest.skip("trains for minutes; LAMM_BENCH_LONG_TESTS=1 runs it")
    drawn(written, 2400, 180)
    words = ("--plugin", written / "sound.py", "--preset", written / "sound.yaml", "--data-root", written / "sounds")
    done("train-baseline", *words, "--output", written / "out")
    checkpoint = ("--set", f"checkpoint={written / 'out'}")
    heard, blind = accuracy(written, *checkpoint), accuracy(written, *checkpoint, "--control", "blind")
    assert heard["metrics"]["accuracy"]["value"] >= 90
    low, high = blind["metrics"]["accuracy"]["ci95"]
    assert low <= 37 and high < 50  # chance is a third, a half, a fifth


@pytest.mark.parametrize("fault", ["missing", "text", "stereo", "cut"])
def test_a_sound_that_cannot_be_used_is_one_sentence(written: Path, fault: str) -> None:
    done("list", "tasks", "--plugin", written / "sound.py")
    path = written / "a.wav"
    data = Path(media.modality("sound").probe.draw(written, "good", 0).path).read_bytes()  # type: ignore[union-attr]
    made = {"text": b"no sound", "stereo": data[:22] + b"\\x02" + data[23:], "cut": data[: len(data) // 2]}
    if fault in made:
        path.write_bytes(made[fault])
    with pytest.raises(MediaError, match="a.wav"):
        media.check(Media("sound", str(path)))


def test_a_video_is_asked_about_without_training(written: Path, mini_root: Path) -> None:
    (written / "clips.py").write_text(CLIPS)
    folder, items = written / "clips/Video_Benchmark", []
    (folder / "meta_file").mkdir(parents=True)
    for number, item in enumerate(json.loads((mini_root / "2D_Benchmark/meta_file/Classification_CIFAR10.json").read_text())):
        picture = Image.open(mini_root / "2D_Benchmark" / item["image"]).convert("RGB")
        (folder / str(number)).mkdir()
        for frame in range(5):
            ImageChops.offset(picture, frame, 0).save(folder / str(number) / f"{frame:03d}.png")
        items.append({"id": str(number), "video": str(number), "query": item["query"], "label": item["label"]})
    (folder / "meta_file/Clips.json").write_text(json.dumps(items))
    words = ("--plugin", written / "video.py", "--plugin", written / "clips.py", "--model", "lamm", "--tasks", "clips")
    for name, more, least in (("seen", (), 80.0), ("blind", ("--control", "blind"), 0.0)):
        done("run", *words, *more, "--data-root", written / "clips", "--output", written / name, "--json", written / "v.json")
        (entry,) = json.loads((written / "v.json").read_text())["results"]
        assert entry["metrics"]["accuracy"]["value"] >= least
    assert json.loads((written / "v.json").read_text())["results"][0]["metrics"]["accuracy"]["value"] <= 50
    one = media.seal(Media("video", str(folder / "0")))
    before = one.sha256
    shutil.copy(folder / "1/000.png", folder / "0/004.png")
    assert media.seal(Media("video", str(folder / "0"))).sha256 != before
