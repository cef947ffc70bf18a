"""`lamm-vllm` against a fake vLLM of the same interface, which runs the merged language model on the embeddings that it is given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModelForCausalLM

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.adapters.lamm_vllm import LammVllm
from lamm_bench.cli import main
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Media, Message

from .toys import cloud, picture, toy_checkpoint


@dataclass
class SamplingParams:
    """The arguments of vLLM's that are used; another one is a TypeError, as there."""

    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop_token_ids: list[int]
    detokenize: bool


class LLM:
    """Greedy, one prompt after the other, by transformers."""

    made: list[dict[str, Any]] = []

    def __init__(self, model: str, enable_prompt_embeds: bool, skip_tokenizer_init: bool, dtype: str, **more: Any) -> None:
        assert enable_prompt_embeds and skip_tokenizer_init
        LLM.made.append({"model": model, "dtype": dtype, **more})
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()

    @torch.inference_mode()
    def one(self, embeds: torch.Tensor, wanted: SamplingParams) -> SimpleNamespace:
        rows, ids = embeds[None], list[int]()
        while len(ids) < wanted.max_tokens:
            ids.append(int(self.model(inputs_embeds=rows).logits[0, -1].argmax()))
            if ids[-1] in wanted.stop_token_ids:
                return SimpleNamespace(token_ids=ids, finish_reason="stop")
            rows = torch.cat([rows, self.model.get_input_embeddings()(torch.tensor([[ids[-1]]]))], dim=1)
        return SimpleNamespace(token_ids=ids, finish_reason="length")

    def generate(
        self, prompts: Sequence[dict[str, torch.Tensor]], wanted: Sequence[SamplingParams], use_tqdm: bool
    ) -> list[SimpleNamespace]:
        return [SimpleNamespace(outputs=[self.one(p["prompt_embeds"], w)]) for p, w in zip(prompts, wanted, strict=True)]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("vllm")
    module.__dict__.update(LLM=LLM, SamplingParams=SamplingParams, __version__="0.33.0")
    monkeypatch.setitem(sys.modules, "vllm", module)
    LLM.made.clear()
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


def asked(place: Path) -> list[Generate]:
    media = [picture(place, "a.png", 1), cloud(place, "b.npy", 2), Media("image", str(place / "gone.png"))]
    talks = [
        (Message("system", ("Look.",)), Message("user", (one, f"What is it? {'x ' * k}"))) for k in range(3) for one in media
    ]
    talks += [(Message("user", ("No picture at all.",)),), (Message("user", ("long " * 3000,)),)]
    return [
        Generate(talk, max_new_tokens=4 + number, stop=tuple("aeiot .") if number % 2 else ())
        for number, talk in enumerate(talks)
    ]


def adapter(folder: Path, place: Path, **more: Any) -> LammVllm:
    return LammVllm(str(folder), dtype="float32", merged=str(place / "merged"), **more)


def test_answers_are_those_of_the_lamm_adapter(vllm: ModuleType, folder: Path, tmp_path: Path) -> None:
    requests = asked(tmp_path)
    mine, its = dict(adapter(folder, tmp_path, batch_size=4).generate(requests)), dict(Lamm(str(folder)).generate(requests))
    assert mine == its and len(mine) == len(requests)
    assert {response.status for response in mine.values()} == {"", "media_error", "model_error"}
    assert {response.finish for response in mine.values() if response.error is None} == {"stop", "length"}
    (made,) = LLM.made  # one engine for all batches
    assert made["model"] == str(tmp_path / "merged") and made["tensor_parallel_size"] == 1


def test_the_merged_model_is_made_once_and_whole(vllm: ModuleType, folder: Path, tmp_path: Path) -> None:
    first = dict(adapter(folder, tmp_path).generate(asked(tmp_path)[:1]))
    written = (tmp_path / "merged/model.safetensors").stat().st_mtime_ns
    assert dict(adapter(folder, tmp_path).generate(asked(tmp_path)[:1])) == first
    assert (tmp_path / "merged/model.safetensors").stat().st_mtime_ns == written


def test_its_fingerprint_is_another_than_that_of_lamm(vllm: ModuleType, folder: Path, tmp_path: Path) -> None:
    assert adapter(folder, tmp_path).fingerprint() == f"{Lamm(str(folder)).fingerprint()}-vllm 0.33.0"
    assert not adapter(folder, tmp_path).exact and not hasattr(adapter(folder, tmp_path), "score")


def test_likelihoods_are_refused_with_the_reason(vllm: ModuleType, folder: Path, tmp_path: Path) -> None:
    why = adapter(folder, tmp_path).why_not(None, {"name": "likelihood"})  # type: ignore[arg-type]
    assert why is not None and "no likelihoods" in why
    assert adapter(folder, tmp_path).why_not(None, {"name": "direct"}) is None  # type: ignore[arg-type]


def test_without_vllm_a_run_ends_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mini_root: Path) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    words = [
        "run",
        "--model",
        "lamm-vllm",
        "--tasks",
        "cifar10",
        "--data-root",
        str(mini_root),
        "--output",
        str(tmp_path / "run"),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "lamm-vllm needs vLLM, which is not here" in result.output
    assert not (tmp_path / "run").exists()


def test_an_old_vllm_is_refused(vllm: ModuleType, folder: Path, tmp_path: Path) -> None:
    vllm.__version__ = "0.9.2"
    with pytest.raises(BenchError, match=r"0\.26 or newer, here is 0\.9\.2"):
        adapter(folder, tmp_path).fingerprint()


@pytest.mark.parametrize("wrong", [{"dtype": "int8"}, {"gpus": 0}, {"gpu_memory": 0.0}, {"batch_size": 0}])
def test_options_that_cannot_be_are_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match=next(iter(wrong))):
        LammVllm(**wrong)
