"""`--corrupt`: questions made worse, whole runs under it, and ChEF's own corrupted files."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench import media
from lamm_bench.adapters.served.files import Files
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.corrupt.chain import TEXTS, apply, holds_places, parse, why_not
from lamm_bench.ask.corrupt.mixed import MIXES
from lamm_bench.ask.corrupt.options import question_part, reordered
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError
from lamm_bench.media.corruptions import FAMILIES
from lamm_bench.media.renderings import parse_render
from lamm_bench.remote.pictures import Pictures
from lamm_bench.types import Media, Sample

from .commands import done, lamm_bench, refusal

LISTED = "Question: Which of these pictures shows a large dog?\nContext: N/A\nOptions: (A) the first (B) the second (C) none\n"
SAMPLE = Sample("7", LISTED, (), 1, "g", ("the first", "the second", "none"))


def changed(name: str, text: str, severity: int = 3, seed: int = 0) -> str:
    return TEXTS[name].change(text, severity, np.random.default_rng(seed))


def test_words_are_changed_as_their_names_say() -> None:
    assert changed("lower_case", "Where IS {part} of It?") == "where is {part} of it?"
    assert changed("contract", "What is it? It is not red, and they are big.") == "What's it? It's not red, and they're big."
    assert changed("expand", "What's it? It isn't red.") == "What is it? It is not red."
    assert changed("synonyms", "Which picture is big?", 5) == "Which image is large?"
    assert changed("append_irrelevant", "What is it?").startswith("What is it? ")
    assert changed("insert_adverb", "What is it?").split()[:2] == ["What", "is"]


@pytest.mark.parametrize("name", ["ocr", "typos", "spelling", "keyboard"])
def test_characters_of_more_words_are_wrong_with_the_severity(name: str) -> None:
    text = "Which of these wonderful pictures shows the largest animal standing behind something wooden in daylight?"
    wrong = [sum(a != b for a, b in zip(text.split(), changed(name, text, level).split())) for level in range(1, 6)]
    assert wrong == sorted(wrong) and wrong[0] >= 1 and wrong[-1] > wrong[0]
    assert len(changed(name, text, 5).split()) == len(text.split())


@given(st.text(max_size=60), st.sampled_from(sorted(TEXTS)), st.integers(1, 5), st.integers(0, 5))
def test_any_text_is_taken_and_gives_the_same_each_time(text: str, name: str, severity: int, seed: int) -> None:
    assert changed(name, text, severity, seed) == changed(name, text, severity, seed)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_what_stands_in_braces_is_left(name: str) -> None:
    """Tasks put the name of a part there."""
    for seed in range(20):
        made = changed(name, "Where is the {} of the person in <Image 1>?", 5, seed)
        assert "{}" in made and "<Image 1>" in made


@given(
    st.lists(st.text("abc() .A", min_size=1, max_size=6).filter(str.strip), min_size=2, max_size=5, unique_by=str.strip),
    st.randoms(),
)
def test_truth_follows_the_options(choices: list[str], rng: Random) -> None:
    target = rng.randrange(len(choices))
    text = "Which?\n" + "\n".join(f"({letter}) {choice}" for letter, choice in zip("ABCDE", choices))
    order = list(range(len(choices)))
    rng.shuffle(order)
    made = reordered(Sample("1", text, (), target, "g", tuple(choices)), order)
    assert made.choices[made.target] == choices[target] and sorted(made.choices) == sorted(choices)
    if made.question != text:
        for letter, choice in zip("ABCDE", made.choices):
            assert re.search(rf"\({letter}\)\s+{re.escape(choice.strip())}", made.question)


@pytest.mark.parametrize("name", ["options_left", "options_right", "options_reverse"])
def test_options_in_another_order_are_told_in_it(name: str) -> None:
    made = apply(SAMPLE, parse(name), 0)
    assert made.choices[made.target] == "the second" and made.choices != SAMPLE.choices
    assert made.question.startswith(LISTED.split("Options:")[0])
    assert made.question.endswith(
        "Options: " + " ".join(f"({letter}) {choice}" for letter, choice in zip("ABC", made.choices)) + "\n"
    )


def test_options_told_in_a_way_that_cannot_be_read_stay() -> None:
    odd = Sample("7", "Which? (A) one thing (B) another", (), 1, "g", ("a", "b"))
    assert apply(odd, parse("options_left"), 0) == odd
    untold = apply(Sample("7", "Which?", (), 1, "g", ("a", "b")), parse("options_left"), 0)
    assert (untold.choices, untold.target, untold.question) == (("b", "a"), 0, "Which?")
    yes = Sample("7", "Is it?", (), 0, "g", ("Yes", "No"), (), {"letters": False})
    assert apply(yes, parse("chef-texts"), 0).choices == ("Yes", "No")


def test_only_the_question_is_reworded() -> None:
    assert question_part(LISTED)[1] == "Which of these pictures shows a large dog?"
    for name in TEXTS:
        made = apply(SAMPLE, parse(f"{name}:5" if TEXTS[name].graded else name), 0)
        assert made.question.endswith(LISTED[LISTED.index("\nContext") :]) and made.question.startswith("Question: ")
        assert made.target == 1 and made.choices == SAMPLE.choices


def test_chains_are_drawn_by_item_and_hold_what_chef_says() -> None:
    drawn = [MIXES["chef-images"].draw(Random(number)) for number in range(200)]
    assert all(len(steps) == 8 and all(1 <= severity <= 5 for _, severity in steps) for steps in drawn)
    for place, family in enumerate(("noise", "blur", "weather", "digital")):
        assert {steps[place][0] for steps in drawn} == set(FAMILIES[family])
    assert all(tuple(name for name, _ in steps[4:]) == FAMILIES["geometry"] for steps in drawn)
    ends = [MIXES["chef-texts"].draw(Random(number))[-1][0] for number in range(400)]
    assert 150 < ends.count("options_reverse") < 250 and 60 < ends.count("options_left") < 140
    one, other = (apply(Sample(name, LISTED, (), 1, "g", SAMPLE.choices), parse("chef-texts"), 0) for name in ("1", "2"))
    assert one.question != other.question and one == apply(
        Sample("1", LISTED, (), 1, "g", SAMPLE.choices), parse("chef-texts"), 0
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("fgo:3", "no corruption called 'fgo'. Did you mean 'fog'"),
        ("fog", "it needs a severity, expected 1 to 5, as in fog:3"),
        ("fog:0", "its severity is '0', expected 1 to 5"),
        ("fog:6", "expected 1 to 5"),
        ("fog:x", "expected 1 to 5"),
        ("fog:1.5", "expected 1 to 5"),
        ("lower_case:3", "lower_case has no severities"),
        ("chef-images:2", "chef-images has no severities"),
        ("chef-files", "expected chef-files:images, chef-files:texts or chef-files:both"),
        ("fog:1,chef-files:both", "stands once, and first"),
    ],
)
def test_what_is_no_corruption_is_said_at_once(text: str, fault: str, mini_root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=fault.replace(".", r"\.")):
        parse(text)
    common = ("--model", "chance", "--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "run")
    assert fault in refusal("run", *common, "--corrupt", text)
    assert not (tmp_path / "run").exists()


def test_a_task_is_not_asked_what_its_truth_would_not_follow(mini_root: Path) -> None:
    catalog = load_catalog()
    everything = frozenset({"image", "point_cloud"})

    def refused(task: str, chain: str) -> str:
        own = catalog.tasks[task]
        return why_not(own, own.samples(mini_root), parse(chain), everything) or ""

    for task in ("voc2012", "lsp", "locating-voc2012", "locating-lsp", "locating-fsc147"):
        for chain in ("rotate:1", "centre_crop:1", "resize_x:2", "elastic:1", "chef-images", "fog:1,rotate:1"):
            assert "its truth would not follow" in refused(task, chain), (task, chain)
        assert not refused(task, "fog:1,gaussian_noise:5")
    for task in ("scannet", "scanrefer"):
        assert all("its truth would not follow" in refused(task, f"{name}:1") for name in ("rotation", "scale", "shear", "crop"))
        assert not refused(task, "jitter:5,occlusion:3")
    assert (
        not refused("cifar10", "chef-images") and not refused("scanqa", "rotation:3") and not refused("celeba-smile", "rotate:5")
    )
    for task in ("fsc147",):
        assert all("asks how many there are" in refused(task, chain) for chain in ("centre_crop:1", "chef-images"))
        assert not refused(task, "rotate:3,resize_x:2")
    assert refused("scanqa", "fog:1") == "fog is made for images, and scanqa shows point clouds"
    assert refused("cifar10", "jitter:1") == "jitter is made for point clouds, and cifar10 shows images"
    assert refused("scanqa", "chef-images") == "chef-images is made for images, and scanqa shows point clouds"
    assert "has none with letters" in refused("svt", "options_left")
    assert refused("svt", "chef-files:both") == "ChEF's authors released no corrupted files of svt"
    assert holds_places([[1.0, 2.0]]) and not holds_places(("a", 1))


def test_a_scene_is_not_corrupted_where_nobody_would_see_it() -> None:
    rooms = type("Rooms", (), {"name": "rooms", "modality": "scene", "kind": "vqa3d"})()
    both = frozenset({"scene"})
    assert why_not(rooms, [], parse("jitter:1"), both) is None is why_not(rooms, [], parse("fog:1"), both)
    assert "and rooms shows scenes" in str(why_not(rooms, [], parse("fog:1"), frozenset({"point_cloud"})))
    assert "poses and boxes of scenes would not follow" in str(why_not(rooms, [], parse("rotation:1"), both))


def identity(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())["identity"]


def records(folder: Path, task: str) -> dict[str, list]:
    found: dict[str, list] = {}
    for line in (folder / "records" / f"{task}.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["sample"], []).append((entry["request"], entry.get("response")))
    return found


def test_a_corrupted_run_is_another_run_with_the_same_data(mini_root: Path, tmp_path: Path) -> None:
    common = ("--model", "lamm", "--tasks", "cifar10,scanqa", "--limit", "3", "--data-root", mini_root)
    done("run", *common, "--output", tmp_path / "clean")
    said = done("run", *common, "--corrupt", "gaussian_noise:5, lower_case", "--output", tmp_path / "worse")
    assert "gaussian_noise is made for images, and scanqa shows point clouds" in " ".join(said.split())
    clean, worse = identity(tmp_path / "clean"), identity(tmp_path / "worse")
    assert "corrupt" not in clean and worse["corrupt"] == "gaussian_noise:5,lower_case"
    assert worse["data"] == {"cifar10": clean["data"]["cifar10"]}
    assert "corrupt" not in json.loads((tmp_path / "clean/result.json").read_text())
    assert json.loads((tmp_path / "worse/result.json").read_text())["corrupt"] == "gaussian_noise:5,lower_case"
    first, second = (records(tmp_path / name, "cifar10") for name in ("clean", "worse"))
    assert first.keys() == second.keys() and all(first[one][0][0] != second[one][0][0] for one in first)
    assert "different: corrupt" in refusal(
        "run", *common, "--corrupt", "fog:1", "--tasks", "cifar10", "--output", tmp_path / "worse"
    )
    done("compare", tmp_path / "clean", tmp_path / "worse", "--data-root", mini_root, "--tasks", "cifar10")
    board = done("leaderboard", "--results", tmp_path, "--format", "csv", "--no-published")
    ranks = {row["model"]: row["rank_first"] for row in csv.DictReader(board.splitlines()) if row["metric"] == "accuracy"}
    assert ranks == {"lamm, lamm/standard": "1", "lamm, lamm/standard, corrupted by gaussian_noise:5,lower_case": ""}
    done("report", tmp_path / "worse", "--data-root", mini_root)
    page = (tmp_path / "worse" / "report.html").read_text()
    assert "corrupted by" in page


def test_none_is_the_run_without(mini_root: Path, tmp_path: Path) -> None:
    common = ("--model", "chance", "--tasks", "svt", "--limit", "3", "--data-root", mini_root)
    done("run", *common, "--output", tmp_path / "a")
    done("run", *common, "--corrupt", "none", "--output", tmp_path / "b")
    assert identity(tmp_path / "a") == identity(tmp_path / "b")


def test_shares_are_asked_what_one_run_is(mini_root: Path, tmp_path: Path) -> None:
    common = (
        "--model",
        "lamm",
        "--tasks",
        "sqaimage",
        "--data-root",
        mini_root,
        "--corrupt",
        "chef-images,chef-texts",
        "--seed",
        "3",
    )
    done("run", *common, "--output", tmp_path / "whole")
    for number in (2, 1):
        done("run", *common, "--shard", f"{number}/2", "--set", "batch_size=1", "--output", tmp_path / f"part-{number}")
    done("merge", tmp_path / "part-1", tmp_path / "part-2", "--output", tmp_path / "merged", "--data-root", mini_root)
    assert records(tmp_path / "merged", "sqaimage").keys() == records(tmp_path / "whole", "sqaimage").keys()
    requests = [
        {name: [each[0] for each in steps] for name, steps in records(tmp_path / run, "sqaimage").items()}
        for run in ("whole", "merged")
    ]
    assert requests[0] == requests[1]
    head, merged = (json.loads((tmp_path / run / "result.json").read_text()) for run in ("whole", "merged"))
    assert {**merged, "model": 0} == {**head, "model": 0}
    assert "leaves out ChEF's sentence level" in head["corrupt_notes"][0]


def test_the_oracle_is_perfect_on_turned_options(mini_root: Path, tmp_path: Path) -> None:
    common = ("--model", "oracle", "--tasks", "sqaimage,ai2d,scanqa", "--data-root", mini_root, "--output", tmp_path / "run")
    done("run", *common, "--corrupt", "chef-texts")
    rescored = tmp_path / "again.json"
    done("score", tmp_path / "run", "--data-root", mini_root, "--json", rescored)
    for entry in json.loads(rescored.read_text())["results"]:
        if entry["protocol"] == "standard":
            assert next(iter(entry["metrics"].values()))["value"] == 100, entry["task"]


def test_a_missing_picture_costs_its_sample_under_corruption_too(mini_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(mini_root, root)
    item = json.loads((root / "2D_Benchmark/meta_file/OCR_SVT.json").read_text())[0]
    (root / "2D_Benchmark" / item["image"]).unlink()
    for more in (("--corrupt", "fog:3"), ("--control", "shuffled"), ("--corrupt", "chef-images", "--control", "shuffled")):
        folder = tmp_path / "-".join(more).replace(":", "")
        found = lamm_bench("run", "--model", "chance", "--tasks", "svt", "--data-root", root, "--output", folder, *more)
        assert found.exit_code == 3, found.output
        assert json.loads((folder / "result.json").read_text())["results"][0]["counts"]["media_error"] >= 1


PLUGIN = """
from PIL import ImageOps

from lamm_bench.media import Corruption

CORRUPTIONS = {
    "image": {"mirror": Corruption(lambda image, severity, stream: ImageOps.mirror(image), moves=True, graded=False)},
    "text": {"shout": Corruption(lambda text, severity, stream: text.upper() + "!" * severity)},
}
"""


def test_a_plug_in_adds_corruptions(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    common = ("--plugin", tmp_path / "mine.py", "--model", "chance", "--data-root", mini_root, "--tasks", "svt,voc2012")
    try:
        said = done("run", *common, "--corrupt", "mirror,shout:2", "--output", tmp_path / "run")
        assert "voc2012 asks where they are" in " ".join(said.split())
        assert identity(tmp_path / "run")["plugins"].keys() == {"mine.py"}
        assert "shout" in done("list", "corruptions", "--plugin", tmp_path / "mine.py")
        shown = done("show", "svt", "--plugin", tmp_path / "mine.py", "--corrupt", "shout:3", "--data-root", mini_root)
        assert "!!!" in shown
    finally:
        TEXTS.pop("shout", None)
        from lamm_bench.media import modality

        modality("image").corruptions.pop("mirror", None)


def test_show_draws_what_a_model_is_shown(mini_root: Path, tmp_path: Path) -> None:
    said = done("show", "voc2012", "--corrupt", "fog:5", "--picture", tmp_path / "a.png", "--data-root", mini_root)
    assert "corrupted by fog:5" in said and (tmp_path / "a.png").is_file()
    assert "would not follow" in refusal("show", "voc2012", "--corrupt", "rotate:5", "--data-root", mini_root)


# ---------------------------------------------------------------- ChEF's own files


@pytest.fixture()
def chef_root(chef_goldens: Path, tmp_path: Path) -> Path:
    root = tmp_path / "data"
    shutil.copytree(chef_goldens / "data", root)
    return root


@pytest.mark.parametrize("part", ["images", "texts", "both"])
def test_chefs_files_are_read_with_their_truth(chef_root: Path, part: str) -> None:
    catalog = load_catalog()
    entries = {
        "chef-scienceqa": json.loads((chef_root / "ChEF/ScienceQA_C/VQA_ScienceQA_C.json").read_text()),
        "chef-mmbench": json.loads((chef_root / "ChEF/MMBench_C/MMBench_C.json").read_text()),
    }
    for name, folder in (("chef-scienceqa", "ScienceQA_C"), ("chef-mmbench", "MMBench_C")):
        task = catalog.tasks[name]
        clean = task.samples(chef_root)
        work = plan(task, clean, None, 0, None, f"chef-files:{part}", chef_root)
        assert [sample.id for sample in work.samples] == [sample.id for sample in clean]
        assert [sample.group for sample in work.samples] == [sample.group for sample in clean]
        assert work.data != plan(task, clean, None, 0, None).data and not work.unusable
        for sample, before, entry in zip(work.samples, clean, entries[name]):
            assert (folder in sample.media[0].path) == (part != "texts")
            if part == "images":
                assert (sample.question, sample.target) == (before.question, before.target)
            else:
                assert sample.target == entry["gt_choice"] and sample.choices == tuple(entry["gt_choices"])
                words = entry["query"].split("(A)")[0].split("\nContext")[0]
                assert words.strip() in sample.question and sample.question.count("(A)") == 1
                assert all(choice in sample.question for choice in sample.choices)


def test_chefs_files_make_a_run_and_lacking_ones_a_sentence(chef_root: Path, tmp_path: Path) -> None:
    common = ("--model", "oracle", "--tasks", "chef-scienceqa,chef-mmbench", "--data-root", chef_root)
    done("run", *common, "--corrupt", "chef-files:both", "--output", tmp_path / "run")
    done("score", tmp_path / "run", "--data-root", chef_root)
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["corrupt"] == "chef-files:both"
    assert all(next(iter(e["metrics"].values()))["value"] == 100 for e in result["results"] if e["protocol"] == "standard")
    done("run", *common, "--output", tmp_path / "clean")
    done("compare", tmp_path / "clean", tmp_path / "run", "--data-root", chef_root, "--tasks", "chef")
    shutil.rmtree(chef_root / "ChEF/MMBench_C")
    said = refusal("run", *common, "--tasks", "chef-mmbench", "--corrupt", "chef-files:texts", "--output", tmp_path / "not")
    assert "MMBench_C.json is missing" in said and not (tmp_path / "not").exists()


def test_verify_knows_chefs_files(chef_root: Path) -> None:
    words = ("data", "verify", "--data-root", chef_root, "--tasks", "chef-scienceqa,chef-mmbench")
    before = lamm_bench(*words).output
    assert "corrupted" not in before
    next(iter(sorted((chef_root / "ChEF/MMBench_C/images").glob("*.png")))).unlink()
    path = chef_root / "ChEF/ScienceQA_C/VQA_ScienceQA_C.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:-1]))
    after = lamm_bench(*words)
    assert "MMBench_C/images/0.png" in after.output and "corrupted texts: item" in " ".join(after.output.split())


def test_what_is_sent_elsewhere_is_corrupted_too(tmp_path: Path) -> None:
    """As data URLs for servers, with keys of their own, and as files for other processes."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.save(tmp_path / "c.npy", np.random.default_rng(0).uniform(0, 2, (60, 6)).astype(np.float32))
    for kind, name, chain in (("image", "a.png", "fog:3,centre_crop:5"), ("point_cloud", "c.npy", "jitter:3")):
        clean = media.seal(Media(kind, str(tmp_path / name)))
        (worse,) = apply(Sample("1", "Q", (clean,), 0, "g"), parse(chain), 0).media
        pictures = Pictures(rendering=parse_render("1view"))
        assert pictures.urls(clean) != pictures.urls(worse) and pictures.marks(clean) != pictures.marks(worse)
        files = Files()  # which keeps what it wrote as long as it lives
        sent = files.file(worse)
        assert sent.path != clean.path and not media.is_changed(sent)
        assert np.array_equal(np.asarray(media.open_media(sent)), np.asarray(media.open_media(worse)))


def test_questions_in_a_models_own_words_are_not_reworded(mini_root: Path, tmp_path: Path) -> None:
    common = ("--model", "oracle", "--set", "coordinates=qwen2.5-vl", "--recipe", "lamm/native", "--tasks", "voc2012,svt")
    said = done("run", *common, "--limit", "2", "--corrupt", "typos:2", "--data-root", mini_root, "--output", tmp_path / "run")
    assert "voc2012" in said and "no corruption of questions changes" in " ".join(said.split())


def test_media_keep_their_kind_and_path() -> None:
    sample = Sample("1", "Q", (Media("image", "/nowhere.png"),), 0, "g")
    assert apply(sample, parse("fog:1"), 0).media == sample.media  # whoever opens it says what is wrong
