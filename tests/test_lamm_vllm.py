"""`lamm-vllm` against a fake vLLM of the same interface, which runs the merged language model on the embeddings that it is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModelForCausalLM

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.adapters.lamm_vllm import ENVIRONMENT, LammVllm
from lamm_bench.cli import main
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.types import Generate, Media, Message, Response, Score

from .toys import cloud, picture, toy_checkpoint


@dataclass
class SamplingParams:
    """The arguments of vLLM's that are used; another one is a TypeError, as there."""

    max_tokens: int
    temperature: float
    detokenize: bool
    top_p: float = 1.0
    seed: int | None = None
    stop_token_ids: list[int] = field(default_factory=list)
    prompt_logprobs: int | None = None


class LLM:
    """Greedy, one prompt after the other, by transformers."""

    made: list[dict[str, Any]] = []
    fault: Exception | None = None  # with which it does not start
    finish: str = ""  # with which it ends every answer

    def __init__(self, model: str, enable_prompt_embeds: bool, skip_tokenizer_init: bool, dtype: str, **more: Any) -> None:
        assert enable_prompt_embeds and skip_tokenizer_init
        LLM.made.append({"model": model, "dtype": dtype, **more})
        if LLM.fault is not None:
            raise LLM.fault
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()

    @torch.inference_mode()
    def one(self, embeds: torch.Tensor, wanted: SamplingParams) -> SimpleNamespace:
        rows, ids = embeds[None], list[int]()
        while len(ids) < wanted.max_tokens:
            ids.append(int(self.model(inputs_embeds=rows).logits[0, -1].argmax()))
            if ids[-1] in wanted.stop_token_ids:
                return SimpleNamespace(token_ids=ids, finish_reason=LLM.finish or "stop")
            rows = torch.cat([rows, self.model.get_input_embeddings()(torch.tensor([[ids[-1]]]))], dim=1)
        return SimpleNamespace(token_ids=ids, finish_reason=LLM.finish or "length")

    @torch.inference_mode()
    def told(self, prompt: dict[str, Any], wanted: SamplingParams) -> list[dict[int, SimpleNamespace] | None] | None:
        """As vLLM 0.32 tells them: None for the first token; none at all behind embeddings that come without their tokens."""
        ids = prompt.get("prompt_token_ids")
        if wanted.prompt_logprobs is None or ids is None:
            return None
        assert wanted.prompt_logprobs == 0 and prompt["prompt_is_token_ids"] == [False] * len(ids)
        sure = torch.log_softmax(self.model(inputs_embeds=prompt["prompt_embeds"][None]).logits[0], dim=-1)
        return [None, *({token: SimpleNamespace(logprob=float(sure[at, token]))} for at, token in enumerate(ids[1:]))]

    def generate(
        self, prompts: Sequence[dict[str, Any]], wanted: Sequence[SamplingParams], use_tqdm: bool
    ) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(outputs=[self.one(p["prompt_embeds"], w)], prompt_logprobs=self.told(p, w))
            for p, w in zip(prompts, wanted, strict=True)
        ]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("vllm")
    module.__dict__.update(LLM=LLM, SamplingParams=SamplingParams, __version__="0.33.0")
    monkeypatch.setitem(sys.modules, "vllm", module)
    for name in ENVIRONMENT:  # what the adapter puts there is gone after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    LLM.made.clear()
    monkeypatch.setattr(LLM, "fault", None)
    monkeypatch.setattr(LLM, "finish", "")
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
    assert not adapter(folder, tmp_path).exact


def scored(place: Path) -> list[Score]:
    media = [picture(place, "a.png", 1), cloud(place, "b.npy", 2)]
    talks = [
        (Message("system", ("Look.",)), Message("user", (one, f"What is it? {'x ' * k}"))) for k in range(3) for one in media
    ]
    options = ("(A)", "(B) a longer one", "C")
    asked = [Score(talk, options[: 2 + number % 2], prior=number % 2 == 0) for number, talk in enumerate(talks)]
    begun = [replace(asked[1], begun="The answer is ", window=window) for window in ("message", "option", "first")]
    gone = Score((Message("user", (Media("image", str(place / "gone.png")), "What is it?")),), options)
    return [*asked, *begun, gone, Score((Message("user", ("long " * 3000,)),), options)]


@pytest.mark.parametrize("size", [1, 4, 256])
def test_likelihoods_are_those_of_the_lamm_adapter(vllm: ModuleType, folder: Path, tmp_path: Path, size: int) -> None:
    requests = scored(tmp_path)
    mine, its = dict(adapter(folder, tmp_path, batch_size=size).score(requests)), dict(Lamm(str(folder)).score(requests))
    assert len(mine) == len(requests)
    for number, response in its.items():
        assert mine[number] == replace(response, logprobs=mine[number].logprobs, prior=mine[number].prior)
        assert mine[number].logprobs == pytest.approx(response.logprobs, abs=1e-4)
        assert mine[number].prior == pytest.approx(response.prior, abs=1e-4)
    assert {response.status for response in mine.values()} == {"", "media_error", "model_error"}
    assert sum(bool(response.prior) for response in mine.values()) == 3


def test_a_vllm_that_tells_no_likelihoods_behind_embeddings_ends_the_run(
    vllm: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LLM, "told", lambda self, prompt, wanted: None)
    with pytest.raises(Stopped, match="tells no likelihoods"):
        list(adapter(folder, tmp_path).score(scored(tmp_path)[:1]))


def test_an_engine_that_does_not_start_ends_the_run_with_one_sentence(
    vllm: ModuleType, folder: Path, tmp_path: Path, mini_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what vLLM 0.32 raises where gpu_memory asks for more than there is; the reason itself stands in its log
    fault = RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")
    monkeypatch.setattr(LLM, "fault", fault)
    options = ["--set", f"checkpoint={folder}", "--set", f"merged={tmp_path / 'merged'}", "--set", "kv_cache=0.5"]
    words = ["run", "--model", "lamm-vllm", *options, "--tasks", "cifar10,voc2012", "--limit", "2"]
    result = CliRunner().invoke(main, [*words, "--data-root", str(mini_root), "--output", str(tmp_path / "run")])
    assert result.exit_code == 3 and "vLLM could not start: Engine core initialization failed" in result.output
    (made,) = LLM.made  # the second task does not wait for another failure
    assert made["kv_cache_memory_bytes"] == 2**29


def test_an_engine_that_dies_is_told_and_a_bug_of_ours_is_not_hidden(
    vllm: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = type("EngineDeadError", (Exception,), {"__module__": "vllm.v1.engine.exceptions"})
    for fault, kind in ((died("EngineCore encountered an issue."), Stopped), (TypeError("no such argument"), TypeError)):
        monkeypatch.setattr(LLM, "one", Mock(side_effect=fault))
        with pytest.raises(kind, match=str(fault)):
            list(adapter(folder, tmp_path).generate(asked(tmp_path)[:1]))


def test_an_answer_that_was_broken_off_is_an_error(
    vllm: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LLM, "finish", "abort")
    ((_, response),) = adapter(folder, tmp_path).generate(asked(tmp_path)[:1])
    assert response == Response(error="vLLM broke the answer off (abort)", status="model_error")


def test_vllm_is_told_to_keep_off_the_standard_output(vllm: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    adapter(folder, folder).fingerprint()
    assert os.environ["VLLM_LOGGING_STREAM"] == "ext://sys.stderr" and os.environ["VLLM_LOGGING_LEVEL"] == "DEBUG"


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


@pytest.mark.parametrize("wrong", [{"dtype": "int8"}, {"gpus": 0}, {"gpu_memory": 0.0}, {"batch_size": 0}, {"kv_cache": -1.0}])
def test_options_that_cannot_be_are_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match=next(iter(wrong))):
        LammVllm(**wrong)
