"""Numbers that share in each other, words at their places, and the optimizer that the language stage has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lamm_bench.errors import BenchError
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.config import Lora
from lamm_bench.training.config.preset import Stage
from lamm_bench.training.config.reading import read_preset
from lamm_bench.training.data.lessons import Course, Lesson
from lamm_bench.training.engines.muon import BatchedMuon
from lamm_bench.training.engines.optimizers import MuonAndAdamW, optimizer_for
from lamm_bench.training.stages.anchors import Anchors, halfway, word_of
from lamm_bench.training.stages.loss import Blur, answer_losses

from .toys import toy_checkpoint, toy_data
from .trainings import WORDS, go, interrupt_after, steps, weights

NUMBERS = {token: round(token / 100, 2) for token in range(10, 60)}  # 0.10 to 0.59 among eighty tokens
SIZE = 80


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_data(tmp_path_factory.mktemp("data") / "root")


@pytest.fixture(scope="module")
def undisturbed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go(root, tmp_path_factory.mktemp("whole") / "out", "toy.yaml", stages=WORDS)


# --- blurred numbers ----------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(NUMBERS)), st.floats(0.004, 0.2))
def test_shares_sum_to_one_fall_with_distance_and_stay_near(token: int, deviation: float) -> None:
    blur = Blur.of(NUMBERS, SIZE, deviation)
    shares = torch.zeros(SIZE).index_add(0, blur.ids[token], blur.shares[token])
    assert float(shares.sum()) == pytest.approx(1)
    assert int(shares.argmax()) == token
    away = {other: abs(NUMBERS[other] - NUMBERS[token]) for other in NUMBERS}
    ranked = sorted(NUMBERS, key=lambda other: away[other])
    assert all(shares[a] >= shares[b] - 1e-6 for a, b in zip(ranked, ranked[1:]))
    assert all(shares[other] == 0 for other in NUMBERS if away[other] > 3 * deviation + 1e-6)
    assert all(shares[other] == 0 for other in range(SIZE) if other not in NUMBERS)


def test_words_are_learnt_as_before_and_numbers_with_their_neighbours() -> None:
    logits, labels = torch.randn(6, SIZE, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 70, 10, 30, 59, 5])
    plain = nn.functional.cross_entropy(logits, labels, reduction="none")
    assert torch.equal(answer_losses(logits, labels, None), plain)
    blurred = answer_losses(logits, labels, Blur.of(NUMBERS, SIZE, 0.02))
    word = torch.tensor([True, True, False, False, False, True])
    assert torch.allclose(blurred[word], plain[word])
    assert not torch.isclose(blurred[~word], plain[~word]).any()
    assert torch.allclose(answer_losses(logits, labels, Blur.of(NUMBERS, SIZE, 1e-4)), plain)  # no neighbour within reach


def test_a_number_beside_the_right_one_costs_less_than_one_far_away() -> None:
    said = torch.full((2, SIZE), -9.0)
    said[0, 31], said[1, 50] = 9.0, 9.0
    near, far = answer_losses(said, torch.tensor([30, 30]), Blur.of(NUMBERS, SIZE, 0.02)).tolist()
    assert near < far


# --- words at their places ----------------------------------------------------------------------------------------------


def lesson(labels: list[int], spots: list[tuple[float, ...]], middle: list[tuple[float, float]]) -> Lesson:
    numbers = np.full((len(spots), 6), np.nan, np.float32)
    for row, spot in zip(numbers, spots):
        row[: len(spot)] = spot
    none = np.zeros(0, np.int32)
    return Lesson(
        none, none, (), np.zeros((0, 6), np.float32), none.astype(bool), np.array(labels, np.int32), numbers,
        np.array(middle, np.float32).reshape(-1, 2), none,
    )  # fmt: skip


def test_only_the_tokens_where_something_stands_are_asked(tmp_path: Path) -> None:
    model, tokenizer = restore(toy_checkpoint(tmp_path / "toy"))
    anchors = Anchors(Course(labels={"cat": 0, "Where is it?": 1}), model, tokenizer)  # type: ignore[arg-type]
    slots, width = model.config.slots["image"], model.config.llm.width
    side = round(slots**0.5)
    lessons = [lesson([0], [(0.1, 0.2)], [(0.01, 0.99)]), lesson([], [], [])]
    table = model.llama.get_input_embeddings().weight
    hidden = torch.randn(2 * slots, width, generator=torch.Generator().manual_seed(1), requires_grad=True)
    anchors("image", hidden, lessons, table, None)["anchors"].backward()
    assert hidden.grad is not None
    assert hidden.grad.abs().sum(dim=1).nonzero()[:, 0].tolist() == [(side - 1) * side]  # left and below
    assert anchors("image", hidden, [lessons[1]] * 2, table, None) == {}


def test_a_label_that_is_a_question_names_no_word(tmp_path: Path) -> None:
    _, tokenizer = restore(toy_checkpoint(tmp_path / "toy"))
    assert word_of("Where is it?", tokenizer) == -1  # type: ignore[arg-type]
    assert word_of("cat", tokenizer) == tokenizer.encode(" cat")[0]  # type: ignore[arg-type]


def test_the_middle_layer_is_looked_at_only_inside_the_block(tmp_path: Path) -> None:
    model, _ = restore(toy_checkpoint(tmp_path / "toy"))
    ids = torch.tensor([[1, 2, 3]])
    with halfway(model) as caught:
        model.decoder(input_ids=ids)
    model.decoder(input_ids=ids)
    assert [tuple(each.shape) for each in caught] == [(1, 3, model.config.llm.width)]


def test_a_stage_with_anchors_and_muon_resumes_bit_by_bit(root: Path, undisturbed: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 5)
        go(root, tmp_path / "out", "toy.yaml", stages=WORDS)
    go(root, tmp_path / "out", "toy.yaml", stages=WORDS)
    assert weights(tmp_path / "out") == weights(undisturbed)
    assert steps(tmp_path / "out") == steps(undisturbed)


def test_tokens_learn_to_name_what_stands_in_them(undisturbed: Path) -> None:
    named = [step["anchors"] for step in steps(undisturbed) if "anchors" in step]
    assert len(named) > 4 and named[-1] < named[0]
    assert not any("roles" in name for name in (undisturbed / "lamm.safetensors").read_bytes()[:4000].decode("latin1").split('"'))


# --- the optimizer ------------------------------------------------------------------------------------------------------


def test_muon_moves_the_matrices_of_the_layers_and_adamw_the_rest(tmp_path: Path) -> None:
    model, _ = restore(toy_checkpoint(tmp_path / "toy"))
    model.requires_grad_(True)
    model.add_lora(Lora(r=2, alpha=2))
    stage = Stage("x", ("llm",), 1, 1, 1e-3, optimizer="muon")
    both = optimizer_for(model, stage)
    assert isinstance(both, MuonAndAdamW)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    muon, adamw = ([names[id(p)] for g in one.param_groups for p in g["params"]] for one in both.both.values())
    assert muon == [] or all(".layers." in name and "lora" not in name and "norm" not in name for name in muon)
    assert any("embed_tokens" in name for name in adamw) and not set(muon) & set(adamw)
    assert isinstance(optimizer_for(model, Stage("x", ("llm",), 1, 1, 1e-3)), torch.optim.AdamW)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("optimizer: sgd", "optimizer is 'sgd'"),
        ("blur: {sound: 1}", "blur is 'sound'"),
        ("blur: {image: -1}", "standard deviation is 0 or more"),
        ("anchors: 1, asked: 1", "asked and anchors"),
    ],
)
def test_settings_that_cannot_be_are_named(root: Path, stage: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        read_preset(root / "toy.yaml", {"stages": f"[{{name: x, train: [llm], epochs: 1, batch: 4, rate: 1.0e-3, {stage}}}]"})


def test_anchors_need_whole_batches_and_blur_whole_numbers(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="whole batches"):
        go(root, tmp_path / "out", "toy.yaml", stages=WORDS, speed__micro="2")
    with pytest.raises(BenchError, match="whole numbers"):
        read_preset("smol", {"stages.lamm.blur.image": "0.1"})


def test_muon_over_stacks_of_matrices_is_pytorchs_own() -> None:
    shapes = [(6, 10), (6, 10), (10, 6), (8, 8), (10, 6)]
    torch.manual_seed(0)
    begin = [torch.randn(shape) for shape in shapes]
    gradients = [[torch.randn(shape) for shape in shapes] for _ in range(4)]
    found = []
    for kind in (torch.optim.Muon, BatchedMuon):
        weights = [nn.Parameter(each.clone()) for each in begin]
        optimizer = kind(weights, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
        for step in gradients:
            for weight, gradient in zip(weights[:4], step):  # the last has none
                weight.grad = gradient.clone()
            optimizer.step()
        found.append(weights)
        assert len(optimizer.state_dict()["state"]) == 4
    for theirs, ours, first in zip(*found, begin):
        assert torch.allclose(theirs, ours, atol=5e-4)  # bfloat16 inside; each step moves a weight by about 2e-3
        assert bool((first == ours).all()) == (first is begin[-1])
