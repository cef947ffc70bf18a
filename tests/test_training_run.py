"""A training that is killed and resumed gives the weights of the undisturbed one, bit by bit."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.encode import LAYOUTS, encode_side_by_side
from lamm_bench.training.config.preset import Stage
from lamm_bench.training.config.reading import read_preset
from lamm_bench.training.data.dialogues import Dialogue, read_dialogues
from lamm_bench.training.data.examples import Example
from lamm_bench.training.data.portion import in_part
from lamm_bench.training.run import train
from lamm_bench.training.stages.trainer import Trainer, label_weights, pace
from lamm_bench.types import Generate, Media, Message

from .toys import toy_data
from .trainings import interrupt_after, steps, weights


def quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_data(tmp_path_factory.mktemp("data") / "root")


@pytest.fixture(scope="module")
def undisturbed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(root / "toy.yaml", tmp_path_factory.mktemp("whole") / "out", data_root=root, console=quiet())


@pytest.mark.parametrize("calls", [1, 8, 13, 17, 21])
def test_killed_and_resumed_is_undisturbed(root: Path, undisturbed: Path, tmp_path: Path, calls: int) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, calls)
        train(root / "toy.yaml", tmp_path / "out", data_root=root, console=quiet())
    train(root / "toy.yaml", tmp_path / "out", data_root=root, console=quiet())
    assert weights(tmp_path / "out") == weights(undisturbed)
    assert steps(tmp_path / "out") == steps(undisturbed)


def test_the_toy_has_more_steps_than_the_kills_above(undisturbed: Path) -> None:
    assert len(steps(undisturbed)) > 22
    assert [s["stage"] for s in steps(undisturbed)] == sorted(
        (s["stage"] for s in steps(undisturbed)), key=["language", "encoders", "lamm"].index
    )


def test_the_checkpoint_is_what_the_adapter_reads(root: Path, undisturbed: Path) -> None:
    adapter = Adapter(checkpoint=str(undisturbed))
    assert adapter.modalities == {"image", "point_cloud"}
    picture = Media("image", str(root / "2D_Instruct/media/0.png"))
    ((_, response),) = adapter.generate([Generate((Message("user", (picture, "What is it?")),), max_new_tokens=5)])
    assert response.error is None
    assert not (undisturbed / "state.pt").exists()
    assert "| LoRA (r 2) |" in (undisturbed / "README.md").read_text()


def test_the_process_random_state_decides_nothing(root: Path, undisturbed: Path, tmp_path: Path) -> None:
    torch.manual_seed(1234)
    train(root / "toy.yaml", tmp_path / "out", data_root=root, console=quiet())
    assert weights(tmp_path / "out") == weights(undisturbed)


def test_where_the_data_lie_decides_nothing(root: Path, undisturbed: Path, tmp_path: Path) -> None:
    moved = toy_data(tmp_path / "elsewhere" / "data")
    assert weights(train(moved / "toy.yaml", tmp_path / "out", data_root=moved, console=quiet())) == weights(undisturbed)
    assert steps(tmp_path / "out") == steps(undisturbed)


def test_a_part_of_the_media_is_the_same_part_each_time_and_refuses_nonsense(root: Path) -> None:
    def read(part: str) -> list[Dialogue]:
        preset = read_preset(root / "toy.yaml", {"data.part": part})
        return read_dialogues(root, preset.data, wanted=in_part(preset))

    every, kept = read("1"), read("0.5")
    assert kept == read("0.5") == [one for one in every if one.media in {each.media for each in kept}]
    assert 0 < len(kept) < len(every) == 30
    assert set(kept) <= set(read("0.8"))
    with pytest.raises(BenchError, match="holds no dialogue with the key 'image' in the part of 1e-09 of its media"):
        read("1.0e-9")
    with pytest.raises(BenchError, match="data.part is 0.0; it is a share"):
        read_preset(root / "toy.yaml", {"data.part": "0"})


def test_frozen_parts_stay_as_they_were(root: Path, undisturbed: Path, tmp_path: Path) -> None:
    longer = train(root / "toy.yaml", tmp_path / "out", {"stages.lamm.epochs": "3"}, data_root=root, console=quiet())
    for file in ("encoders.safetensors", "llm.safetensors"):
        assert (longer / file).read_bytes() == (undisturbed / file).read_bytes()
    assert (longer / "lamm.safetensors").read_bytes() != (undisturbed / "lamm.safetensors").read_bytes()


def test_lora_that_no_stage_trains_is_there_without_effect_and_always_the_same(root: Path, tmp_path: Path) -> None:
    one = {"stages": "[{name: words, train: [projection, llm], epochs: 1, batch: 4, rate: 1.0e-3}]"}
    torch.manual_seed(7)
    first = train(root / "toy.yaml", tmp_path / "first", one, data_root=root, console=quiet())
    torch.manual_seed(8)
    assert weights(train(root / "toy.yaml", tmp_path / "second", one, data_root=root, console=quiet())) == weights(first)
    model, _ = restore(first)
    halves = [tensor for name, tensor in model.state_dict().items() if "lora_B" in name]
    assert halves and not any(tensor.any() for tensor in halves)


def test_a_finished_checkpoint_is_not_written_over(root: Path, undisturbed: Path) -> None:
    with pytest.raises(BenchError, match="already holds a finished checkpoint"):
        train(root / "toy.yaml", undisturbed, data_root=root, console=quiet())


def test_a_state_of_other_settings_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 8)
        train(root / "toy.yaml", tmp_path / "out", data_root=root, console=quiet())
    with pytest.raises(BenchError, match="is of another preset, other settings or other data"):
        train(root / "toy.yaml", tmp_path / "out", {"seed": "5"}, data_root=root, console=quiet())
    with pytest.raises(BenchError, match="go on with --resume, or begin anew with --fresh"):
        train(root / "toy.yaml", tmp_path / "out", data_root=root, resume=False, console=quiet())
    (tmp_path / "out" / "state.pt").write_bytes(b"cut")
    with pytest.raises(BenchError, match="cannot be read .*begin anew with --fresh"):
        train(root / "toy.yaml", tmp_path / "out", data_root=root, console=quiet())


def test_resume_without_a_state_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds no state.pt to resume from"):
        train(root / "toy.yaml", tmp_path / "out", data_root=root, resume=True, console=quiet())


def test_unreadable_media_are_left_out_up_to_a_share(tmp_path: Path) -> None:
    root = toy_data(tmp_path / "root")
    (root / "2D_Instruct/media/3.png").write_bytes(b"broken")
    with pytest.raises(BenchError, match=r"1 of 15 media cannot be read; data.max_bad allows a share of 0.01"):
        train(root / "toy.yaml", tmp_path / "a", data_root=root, console=quiet())
    console = quiet()
    short = {"data.max_bad": "0.1", "stages.encoders.epochs": "0.1", "stages.lamm.epochs": "0.1"}
    train(root / "toy.yaml", tmp_path / "b", short, data_root=root, console=console)
    assert "1 media cannot be read and are left out" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_loss_that_is_not_a_number_stops_with_the_batch(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = Trainer.losses
    monkeypatch.setattr(Trainer, "losses", lambda *a: {"answers": losses(*a)["answers"] * float("nan")})
    only = {"stages": "[{name: encoders, train: [llm], epochs: 1, batch: 2, rate: 0.1}]"}
    with pytest.raises(BenchError, match="stage encoders, step 0: the loss is nan in a batch of .*item"):
        train(root / "toy.yaml", tmp_path / "out", only, data_root=root, console=quiet())


def test_label_weights_follow_turn_and_length() -> None:
    class Words:
        bos = 1

        def encode(self, text: str) -> list[int]:
            return [7] * len(text.split())

    talk = (
        Message("user", ("a",)), Message("assistant", ("one two three",)),
        Message("user", ("b",)), Message("assistant", ("x",)),
    )  # fmt: skip
    row = Example(encode_side_by_side(talk, LAYOUTS["training"], Words(), {}), Media("image", ""), ("vqa", "ocr"), (), "")
    stage = Stage("s", ("llm",), 1, 1, 1.0, evenness=1.0, weights={"ocr": 3.0})
    assert label_weights(row, stage).tolist() == pytest.approx([1 / 4] * 4 + [3 / 2] * 2)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_rises_and_falls_to_nothing(schedule: str) -> None:
    stage = Stage("s", ("llm",), 1, 1, 1.0, schedule=schedule)
    rates = [pace(stage, step, 100) for step in range(100)]
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) == 1.0 and rates[-1] < 0.02


def test_the_data_is_read_as_the_preset_says(root: Path) -> None:
    kinds = [one.media.kind for one in read_dialogues(root, read_preset(root / "toy.yaml").data)]
    assert kinds.count("image") == 20 and kinds.count("point_cloud") == 10


def test_a_restored_model_is_in_evaluation_mode(undisturbed: Path) -> None:
    model, _ = restore(undisturbed)
    assert not any(module.training for module in model.modules())
