"""What presets say, what a dry run makes of them, and trainings around language models from elsewhere."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.ask.instruction import prompt_file
from lamm_bench.cli import main
from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import ImageEncoder
from lamm_bench.lamm.encoder_configs import ClipTower, VisionTower
from lamm_bench.training import estimate
from lamm_bench.training.config.reading import list_presets, read_preset
from lamm_bench.training.data.dialogues import read_dialogues, read_file
from lamm_bench.training.data.examples import make_examples, repeated, rng
from lamm_bench.training.dry_run import dry_run, encoder_size
from lamm_bench.training.export import export
from lamm_bench.training.run import train
from lamm_bench.types import Generate, Media, Message

from .commands import done
from .hub_toys import toy_llm
from .toys import picture, toy_data
from .trainings import go

HUB = """# A toy around a language model that lies elsewhere.
name: hub
precision: float32
data: {image: [2D_Instruct/meta_file/a.json], turns: sequential, long: cut, text_tokens: 60, row_tokens: 1, layout: vicuna-v0}
model:
  llm: {kind: transformers, path: LLM}
  image: {size: 16, widths: [4, 8], blocks: [0, 1], layers: 1, heads: 2}
  lora: {r: 4, alpha: 4, dropout: 0.0}
stages:
  - {name: lamm, train: [projection, lora], epochs: 1, batch: 4, rate: 1.0e-2}
speed: {micro: 2}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = toy_data(tmp_path_factory.mktemp("data") / "root")
    llm = toy_llm(folder / "llama", tie_word_embeddings=False)
    (folder / "hub.yaml").write_text(HUB.replace("LLM", str(llm)))
    return folder


def bench(*words: object) -> str:
    return done("train-baseline", *words)


@pytest.mark.parametrize("name", sorted(list_presets()))
def test_every_preset_can_be_read_and_says_what_it_is(name: str) -> None:
    preset = read_preset(name)
    assert preset.name == name and len(list_presets()[name]) > 30
    assert preset.licence and preset.stages


@pytest.mark.parametrize("name", ["lamm-7b-2d", "lamm-13b-2d", "lamm-7b-3d", "lamm-13b-3d"])
def test_the_papers_presets_are_the_papers(name: str) -> None:
    """Reference 3.1, 3.5 and 3.7."""
    preset = read_preset(name)
    (stage,) = preset.stages
    assert preset.model.lora is not None
    assert (preset.model.lora.r, preset.model.lora.alpha, preset.model.lora.dropout) == (32, 32, 0.1)
    assert preset.model.lora.targets == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert (stage.rate, stage.betas, stage.decay, stage.batch, stage.epochs) == (5e-4, (0.9, 0.95), 0.001, 64, 2)
    assert (stage.schedule, stage.warmup, stage.clip, preset.data.text_tokens) == ("warmup_decay", 0.1, 1.0, 400)
    assert preset.parallel.zero == 1 and preset.data.long == "cut" and preset.data.turns == "sequential"
    smaller = read_preset(f"{name}-zero3-offload")
    assert smaller.parallel.zero == 3 and smaller.parallel.offload == ("optimizer", "parameters")
    assert smaller.model == preset.model and smaller.stages == preset.stages


@pytest.mark.parametrize(
    ("name", "trained", "steps"),
    [
        ("lamm-7b-2d", 33_554_432 + 4_198_400, "5,816 steps"),
        ("lamm-13b-2d", 52_428_800 + 5_248_000, "5,816 steps"),
        ("lamm-7b-3d", 33_554_432 + 4_198_400, "322 steps"),
    ],
)
def test_a_dry_run_counts_the_references_parameters(name: str, trained: int, steps: str) -> None:
    """Reference 3.1 (by arithmetic) and 3.7 (5,815 steps without the last, smaller batch of each epoch)."""
    said = bench("--preset", name, "--dry-run", "--processes", 4, "--device", "A100")
    assert f"({trained:,})" in said and steps in said and "each process 8 forward passes of 2" in said
    assert "memory of each device" in said and ("hours" in said or "minutes" in said)


def test_a_dry_run_counts_data_that_are_there_and_writes_nothing(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = bench("--preset", root / "hub.yaml", "--data-root", root, "--output", out, "--dry-run")
    assert f"20 dialogues (counted in {root})" in said and "assumed" not in said and "5 steps of 4 rows" in said
    assert not out.exists()
    with pytest.raises(SystemExit):
        main(["train-baseline", "--preset", "lamm-7b-2d", "--dry-run", "--device", "A1000"], standalone_mode=True)


def test_a_dry_run_says_which_encoder_it_cannot_count(root: Path, tmp_path: Path) -> None:
    look = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 16, "patch_size": 8}
    (tmp_path / "tower").mkdir()
    (tmp_path / "tower" / "config.json").write_text(json.dumps({"model_type": "dinov2", **look}))

    def said(weights: str) -> str:
        tower = {"kind": "tower", "size": 16, "patch": 8, "width": 24, "weights": weights}
        return dry_run(root / "hub.yaml", {"model.image": json.dumps(tower)}, root, 1, "A100")

    assert "encoders unknown (image unknown: weights or package are not here" in said("google/some-tower")
    size = encoder_size("image", VisionTower(16, 8, 24, architecture={"model_type": "dinov2", **look}))
    assert size and size > 10_000 and f"encoders {size / 1e6:,.1f} M, projection" in said(str(tmp_path / "tower"))
    assert encoder_size("image", ClipTower(library="open_clip")) == encoder_size("image", ClipTower()) == 303_177_728
    assert encoder_size("image", VisionTower(16, 8, 24, weights=str(tmp_path / "tower"))) == size


def test_a_dry_run_counts_the_part_that_is_used(root: Path) -> None:
    said = dry_run(root / "hub.yaml", {"data.part": "0.5"}, root, 1, "A100")
    number = int(re.search(r"data: (\d+) dialogues", said)[1])  # type: ignore[index]
    assert 0 < number < 20


@pytest.mark.parametrize("preset", ["toy.yaml", "one.yaml"])
def test_a_dry_run_says_the_steps_that_the_training_takes(root: Path, tmp_path: Path, preset: str) -> None:
    """Of data that are dealt as a whole, one dialogue in a row: whatever its tokens are."""
    settings, heard = {"data.row_tokens": "1"}, io.StringIO()
    said = dry_run(root / preset, settings, root, 1, "A100")
    train(root / preset, tmp_path / "out", settings, data_root=root, console=Console(file=heard, width=200))
    stages = read_preset(root / preset).stages
    told = [re.search(rf"stage {stage.name}: .*\n  (\d+) steps", said)[1] for stage in stages]  # type: ignore[index]
    assert told == [re.search(rf"{stage.name}: .* (\d+) steps", heard.getvalue())[1] for stage in stages]  # type: ignore[index]


def test_a_dry_run_refuses_what_the_training_would(root: Path) -> None:
    with pytest.raises(BenchError, match="layout"):
        dry_run(root / "toy.yaml", {"data.layout": "foo"}, root, 1, "A100")
    with pytest.raises(BenchError, match=r"item 0 .* data.text_tokens is 1"):
        dry_run(root / "toy.yaml", {"data.text_tokens": "1"}, root, 1, "A100")


def test_a_dry_run_of_many_media_deals_a_share_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = toy_data(tmp_path / "many", 120)

    def steps() -> list[int]:
        return [int(number) for number in re.findall(r"  (\d+) steps", dry_run(root / "toy.yaml", {}, root, 1, "A100"))]

    whole = steps()
    monkeypatch.setattr(estimate, "DEALT", 60)
    shared = steps()
    assert whole != shared and all(0.8 * all_of_them < some < 1.25 * all_of_them for all_of_them, some in zip(whole, shared))


def test_the_baselines_own_encoders_are_counted_by_their_convolutions(tmp_path: Path) -> None:
    """By hand: 2 operations for each weight of a kernel and each place where it is used."""
    picture(tmp_path, "a.png", 0)
    encoder = ImageEncoder(size=16, widths=(4, 8), blocks=(0, 0), layers=0, heads=2)
    told = estimate.counted(
        "image", encoder, [Media("image", str(tmp_path / "gone.png")), Media("image", str(tmp_path / "a.png"))]
    )
    assert told == 2 * (5 * 5 * 3 * 4) * 8 * 8 + 2 * (3 * 3 * 4 * 8) * 4 * 4
    assert estimate.counted("image", encoder, []) == estimate.counted("image", ClipTower(), [Media("image", "a.png")]) == 0.0


def test_a_base_is_laid_under_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: lamm-7b-2d\nname: mine\nstages: [{name: lamm, epochs: 3}]\n")
    mine = read_preset(tmp_path / "mine.yaml")
    assert mine.stages[0].epochs == 3 and mine.stages[0].rate == 5e-4
    assert read_preset("lamm-7b-2d", {"stages.lamm.epochs": "0.5", "speed.micro": "1"}).speed.micro == 1
    with pytest.raises(BenchError, match="no key of lamm-7b-2d.yaml.speed called 'mikro'. Did you mean 'micro'"):
        read_preset("lamm-7b-2d", {"speed.mikro": "1"})
    with pytest.raises(BenchError, match="no preset called 'lamm-7b'. Did you mean"):
        read_preset("lamm-7b")
    (tmp_path / "loop.yaml").write_text("base: loop.yaml\n")
    with pytest.raises(BenchError, match="is its own base"):
        read_preset(tmp_path / "loop.yaml")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("parallel.zero", "4", "ZeRO has the stages 0 to 3"),
        ("parallel.offload", "[parameters]", "under parallel.zero 3 only"),
        ("parallel.offload", "[disk]", "parallel.offload is 'disk'"),
        ("speed.features", "disk", "It can be: memory, each_step"),
        ("data.turns", "side_by_side", "data.long: cut is for data.turns: sequential"),
        ("data.held_out", "1.5", "shares between 0 and 1"),
        ("data.files", "{b.json: {weight: 2}}", "data.files is 'b.json'"),
        ("precision", "fp16", "precision is 'fp16'. Did you mean"),
        ("model.lora", "null", "trains lora, and model.lora is null"),
        ("watch.keep", "0", "watch.keep must be at least 1"),
    ],
)
def test_a_value_that_cannot_be_is_named(key: str, value: str, fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        read_preset("lamm-7b-2d", {key: value})


def test_lora_around_a_language_model_from_elsewhere(root: Path, tmp_path: Path) -> None:
    """The checkpoint holds what was trained, names the rest, is what the adapter reads, and goes to upstream's form."""
    out = go(root, tmp_path / "out", "hub.yaml")
    assert not (out / "llm.safetensors").exists() and not (out / "tokenizer.json").exists()
    said = ask(root, out)
    assert said.error is None
    (file,), left = export(out, tmp_path / "upstream")
    assert len(left) == 1 and "--alpha 4" in left[0]
    tensors = torch.load(file, weights_only=True)
    assert file.name == "pytorch_model.pt" and tensors["llama_proj.weight"].shape == (32, 8)
    assert "llama_model.base_model.model.model.layers.1.self_attn.o_proj.lora_B.default.weight" in tensors
    assert len(tensors) == 2 * 4 * 2 + 2  # layers, targets, A and B; weight and bias of the projection


def test_a_whole_language_model_is_trained_in_two_stages(root: Path, tmp_path: Path) -> None:
    """LAMM 1.5: projection and output layer, then everything, from the first checkpoint."""
    first = go(root, tmp_path / "one", "hub.yaml", model__lora="null", stages__lamm__train="[projection, head]")
    before, after = (torch_weights(folder) for folder in (root / "llama", first / "llm"))
    moved = {name for name in before if not torch.allclose(before[name], after[name], atol=2e-3)}
    assert moved == {"lm_head.weight"}
    again = {"model__lora": "null", "model__llm__path": str(first / "llm"), "start": str(first), "speed__checkpointing": "true"}
    second = go(root, tmp_path / "two", "hub.yaml", stages__lamm__train="[projection, llm, head]", **again)
    assert not torch.equal(
        torch_weights(second / "llm")["model.layers.0.mlp.up_proj.weight"], after["model.layers.0.mlp.up_proj.weight"]
    )
    assert ask(root, second).error is None


def torch_weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}


def ask(root: Path, checkpoint: Path) -> Any:
    picture = Media("image", str(root / "2D_Instruct/media/0.png"))
    adapter = Adapter(checkpoint=str(checkpoint))
    ((_, response),) = adapter.generate([Generate((Message("user", (picture, "What is it?")),), max_new_tokens=4)])
    return response


def test_the_built_in_encoders_can_be_taken(root: Path, tmp_path: Path) -> None:
    taken = {"encoders_from": "baseline", "model__image": "null", "stages__lamm__epochs": "0.2"}
    out = go(root, tmp_path / "out", "hub.yaml", **taken)
    from importlib import resources

    from safetensors.torch import load_file

    theirs = load_file(str(resources.files("lamm_bench.results") / "baseline" / "encoders.safetensors"))
    ours = load_file(out / "encoders.safetensors")
    assert ours and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    with pytest.raises(BenchError, match="model.image and encoders_from are both given"):
        read_preset(root / "hub.yaml", {"encoders_from": "baseline"})


def test_what_is_too_long_is_cut_as_upstream_cuts(root: Path) -> None:
    class Words:
        bos = 1

        def encode(self, text: str) -> list[int]:
            return [7] * len(text.split())

    plan = read_preset(root / "hub.yaml", {"data.text_tokens": "9", "data.layout": "training"})
    dialogues = read_dialogues(root, plan.data)
    rows = make_examples(dialogues, plan.data, prompt_file("standard"), Words(), {"image": 4}, 200)  # type: ignore[arg-type]
    for row in rows:
        ((at, _),) = row.encoded.media
        assert len(row.encoded) <= at + 4 + 9 and row.encoded.learnt
    assert any(row.cut for row in rows)


def test_llava_files_have_no_task_types_and_may_lack_media(tmp_path: Path) -> None:
    talk = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]
    items = [
        {"id": "1", "image": "coco/1.jpg", "conversations": talk},
        {"id": "1", "image": "coco/2.jpg", "conversations": [{"from": "human", "value": "Why?\n<image>"}, talk[1]]},
        {"id": "2", "conversations": [{"from": "gpt", "value": "hello"}]},
    ]
    file = tmp_path / "mix.json"
    file.write_text(json.dumps(items))
    said: list[str] = []
    found = list(read_file(file, "image", prompt_file("standard"), "llava", tmp_path / "pictures", said.append))
    assert [one.media.path for one in found] == [str(tmp_path / "pictures/coco/1.jpg"), str(tmp_path / "pictures/coco/2.jpg")]
    assert [one.turns[0][0] for one in found] == ["What?", "Why?"]
    assert said == [f"{file}: 1 of 3 dialogues have no media and are left out"]
    with pytest.raises(BenchError, match=r"item 1 \(id 1\) has the id of item 0"):
        list(read_file(file, "image", prompt_file("standard")))


def test_weights_say_how_often_a_files_dialogues_come() -> None:
    drawn = repeated(list(range(1000)), [2.5] * 500 + [0.25] * 500, rng("weights"))
    often = sum(index < 500 for index in drawn)
    assert often == pytest.approx(1250, abs=60) and len(drawn) - often == pytest.approx(125, abs=40)


def test_scores_of_the_miniature_are_logged_on_the_way(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamm_bench.data import mini

    drawn = tmp_path / "mini"
    mini.make(drawn, 0, ("val",), workers=1, counts={"val": 4})
    monkeypatch.setattr(mini, "ensure", lambda parts: drawn)
    watched = {"watch__eval_every": "3", "watch__eval_tasks": "cifar10,svt", "watch__eval_limit": "2"}
    out = go(root, tmp_path / "out", "hub.yaml", **watched)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    scored = [line for line in lines if any(key.startswith("score_") for key in line)]
    assert [line["step"] for line in scored] == [2] and set(scored[0]) >= {"score_cifar10", "score_svt"}
    plain = go(root, tmp_path / "plain", "hub.yaml")
    assert (out / "lamm.safetensors").read_bytes() == (plain / "lamm.safetensors").read_bytes()
