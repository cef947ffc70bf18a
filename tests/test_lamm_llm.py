"""Any causal language model of transformers inside LAMM: loading, logits, LoRA, and what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm import llm as llms
from lamm_bench.lamm.checkpoint import fingerprint, restore
from lamm_bench.lamm.config import HubLlm, Lora
from lamm_bench.lamm.encode import Encoded, encode_messages, encode_side_by_side, layout_called, pack
from lamm_bench.lamm.hub_tokenizer import load_tokenizer
from lamm_bench.lamm.model import collate
from lamm_bench.types import Generate, Message, Score

from .hub_toys import toy_gguf, toy_hub_checkpoint, toy_llm
from .toys import TEXTS, picture

GPT2: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {"bos": False},
    "gpt2": GPT2,
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "gpt_neox": {},
    "gemma2": {"head_dim": 8, "final_logit_softcapping": 0.5, "sliding_window": 16},
    "cohere": {"logit_scale": 0.5},
    "granite": {"logits_scaling": 3.0},
    "mistral": {"sliding_window": 16},
}
TARGETS = {"gpt2": ("c_attn",), "gpt_neox": ("query_key_value",), "opt": ("q_proj", "v_proj")}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def checkpoint(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(kind)
    lora = Lora(r=4, alpha=4, targets=TARGETS.get(kind, ("q_proj", "v_proj")))
    return toy_hub_checkpoint(folder / "checkpoint", toy_llm(folder / "llm", kind, **KINDS[kind]), lora)


def test_our_logits_are_the_models_own(checkpoint: Path) -> None:
    model, _ = restore(checkpoint)
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        own = model.llama(input_ids=ids).logits
        ours = model.logits(model.decoder(inputs_embeds=model.llama.get_input_embeddings()(ids)).last_hidden_state)
    assert torch.allclose(own, ours, atol=1e-5)


def test_score_is_minus_the_loss_and_generation_agrees_with_it(checkpoint: Path, tmp_path: Path) -> None:
    """The greedy answer's first token is the likeliest one-token answer, and score is the loss: one road for all three."""
    adapter = Adapter(checkpoint=str(checkpoint), device="cpu")
    image = picture(tmp_path, "a.png")
    asked = (Message("system", ("Look.",)), Message("user", (image, "What is it?")))
    model, tokenizer = restore(checkpoint)
    rows = [
        encode_messages((*asked, Message("assistant", (a,))), layout_called("training"), tokenizer, model.config.slots)
        for a in ("cat", "a dog")
    ]
    encoder = model.encoders["image"]
    seen = model.project("image", model.see("image", encoder.tensor([encoder.prepare(image, "squash")])))  # type: ignore[operator]
    (_, response), *_ = adapter.score([Score(asked, ("cat", "a dog"))])
    for row, logprob in zip(rows, response.logprobs):
        loss = float(model.loss(collate([row], model.config.slots), seen).detach())
        assert logprob == pytest.approx(-loss * row.learnt, abs=1e-3)
    (_, said), *_ = adapter.generate([Generate(asked, max_new_tokens=5)])
    alone = dict(adapter.generate([Generate(asked, max_new_tokens=5), Generate((*asked[:1], Message("user", ("Hi",))))]))
    assert alone[0] == said


def test_conversations_in_one_row_are_weighed_as_if_alone(checkpoint: Path) -> None:
    """Side by side and packed, in every architecture, those with windows included: the rows are longer than the window."""
    model, tokenizer = restore(checkpoint)
    layout = layout_called("training")
    asked = [
        (Message("user", (q,)), Message("assistant", (a,))) for q, a in (("What is it?", "A cat"), ("Which colour?", "black"))
    ]
    system = Message("system", ("Look at the toy.",))

    def weighed(row: Encoded) -> float:
        with torch.no_grad():
            return float(model.likelihoods(collate([row], {}), None))

    singles = [encode_messages((system, *turn), layout, tokenizer, {}) for turn in asked]
    together = encode_side_by_side((system, *asked[0], *asked[1]), layout, tokenizer, {})
    alone = sum(map(weighed, singles))
    assert len(together) > len(singles[0]) > 16
    assert weighed(together) == pytest.approx(alone, abs=1e-3)
    assert weighed(pack(singles)) == pytest.approx(alone, abs=1e-3)


def test_every_layer_that_lora_names_is_adapted(checkpoint: Path, kind: str) -> None:
    config = llms.read_config(llms.Place(str(checkpoint.parent / "llm")))
    shapes = llms.lora_shapes(config, 4, TARGETS.get(kind, ("q_proj", "v_proj")), "llama_model.base_model.model.")
    stored = {name: tuple(t.shape) for name, t in load_file(checkpoint / "lamm.safetensors").items() if "lora" in name}
    assert shapes == stored and len(stored) >= 4


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return toy_llm(tmp_path / "llm")


def test_the_weights_of_the_language_model_are_not_copied(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "encoders.safetensors", "lamm.safetensors"]


def test_a_language_model_inside_the_checkpoint_is_found_from_anywhere(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama)
    llama.rename(folder / "llm")
    data = json.loads((folder / "config.json").read_text())
    data["llm"]["path"] = "llm"
    (folder / "config.json").write_text(json.dumps(data))
    restore(folder)


def test_the_fingerprint_knows_the_language_models_weights_and_tokenizer(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama)
    seen = {fingerprint(folder)}
    tensors = load_file(llama / "model.safetensors")
    tensors["model.norm.weight"] += 1
    save_file(tensors, llama / "model.safetensors", metadata={"format": "pt"})
    seen.add(fingerprint(folder))
    tokenizer = (llama / "tokenizer.json").read_text()
    (llama / "tokenizer.json").write_text(tokenizer + " ")
    seen.add(fingerprint(folder))
    assert len(seen) == 3


def test_a_tensor_that_the_language_model_lacks_has_too_many_or_of_another_shape_is_named(llama: Path) -> None:
    tensors = load_file(llama / "model.safetensors")
    gone = {k: v for k, v in tensors.items() if k != "model.layers.1.mlp.up_proj.weight"}
    save_file(gone, llama / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BenchError, match=r"lacks the tensor 'model.layers.1.mlp.up_proj.weight' \(1 such"):
        llms.build_llm(HubLlm(str(llama)))
    more = {**tensors, "model.layers.7.mlp.up_proj.weight": torch.zeros(2, 2)}
    save_file(more, llama / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BenchError, match="holds, beyond its architecture, the tensor 'model.layers.7.mlp.up_proj.weight'"):
        llms.build_llm(HubLlm(str(llama)))
    odd = {**tensors, "model.layers.1.mlp.up_proj.weight": torch.zeros(2, 2)}
    save_file(odd, llama / "model.safetensors", metadata={"format": "pt"})
    said = r"'model.layers.1.mlp.up_proj.weight' has shape \[2, 2\], config.json asks for \[48, 32\] \(1 such tensors\)"
    with pytest.raises(BenchError, match=said):
        llms.build_llm(HubLlm(str(llama)))


def test_buffers_that_old_llamas_carry_are_no_fault(llama: Path) -> None:
    """Delta-merged Vicunas hold `rotary_emb.inv_freq`, which transformers computes by itself since 2023."""
    tensors = load_file(llama / "model.safetensors")
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(4)
    save_file(tensors, llama / "model.safetensors", metadata={"format": "pt"})
    llms.build_llm(HubLlm(str(llama)))


def test_a_truncated_language_model_is_one_sentence(llama: Path) -> None:
    whole = (llama / "model.safetensors").read_bytes()
    (llama / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchError, match="the language model .* cannot be read"):
        llms.build_llm(HubLlm(str(llama)))


def test_sizes_that_disagree_with_the_config_are_named(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama)
    toy_llm(llama, hidden_size=64)
    with pytest.raises(BenchError, match="has width 64, config.json says 32"):
        restore(folder)


@pytest.mark.parametrize(
    ("path", "said"), [("no/such/place", "is missing"), ("/nowhere", "is missing"), ("x.gguf", "is missing")]
)
def test_a_language_model_that_is_nowhere_is_one_sentence(path: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        llms.build_llm(HubLlm(path))


def test_a_folder_that_is_no_language_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="the config of the language model .* cannot be read"):
        llms.build_llm(HubLlm(str(tmp_path)))
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(BenchError, match="is a file; expected a folder"):
        llms.place_of(HubLlm(str(tmp_path / "weights.bin")))


def test_a_lora_target_that_no_layer_has_is_named(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no layer called 'qq_proj' for LoRA.*q_proj"):
        toy_hub_checkpoint(tmp_path / "checkpoint", llama, Lora(targets=("q_proj", "qq_proj")))


def test_without_lora_only_the_projection_is_stored(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama, None)
    assert all(name.startswith("llama_proj.") for name in load_file(folder / "lamm.safetensors"))
    assert restore(folder)[0].config.lora is None


def test_answers_end_at_every_token_that_the_model_calls_an_end(llama: Path) -> None:
    tokenizer = load_tokenizer(HubLlm(str(llama)))
    assert tokenizer.ends == {2, 3} and tokenizer.eos == 2 and tokenizer.pad == 0 and tokenizer.bos == 1


def test_pieces_are_encoded_without_special_tokens_and_come_back(llama: Path) -> None:
    tokenizer = load_tokenizer(HubLlm(str(llama)))
    for text in ("### Human: <Img>", "ünïcode \n 12", ""):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode((*tokenizer.encode("cat"), 2, 3)) == "cat"


def test_a_tokenizer_without_an_end_is_refused(llama: Path) -> None:
    data = json.loads((llama / "tokenizer_config.json").read_text())
    (llama / "tokenizer_config.json").write_text(json.dumps({k: v for k, v in data.items() if k != "eos_token"}))
    (llama / "generation_config.json").unlink()
    with pytest.raises(BenchError, match="no end-of-sequence token"):
        load_tokenizer(HubLlm(str(llama)))


def test_a_hub_id_is_read_from_the_hubs_cache_and_known_by_its_commit(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    commit = "0123456789012345678901234567890123456789"
    repository = tmp_path / "models--someone--toy"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text(commit)
    (repository / "snapshots").mkdir()
    llama.rename(repository / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    one = llms.measured(HubLlm("someone/toy"))
    assert list(llms.llm_digests(one, None)) == [f"llm someone/toy {commit}\n"]
    assert type(llms.build_llm(one)).__name__ == "LlamaForCausalLM" and len(load_tokenizer(one)) == one.vocabulary
    with pytest.raises(BenchError, match="someone/else is neither a folder here nor in the hub's cache"):
        llms.measured(HubLlm("someone/else"))


def test_the_config_of_a_checkpoint_says_which_kind_it_names(llama: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", llama)
    data = json.loads((folder / "config.json").read_text())
    assert data["llm"]["kind"] == "transformers" and data["llm"]["width"] == 32
    (folder / "config.json").write_text(json.dumps({**data, "llm": {**data["llm"], "kind": "transformer"}}))
    with pytest.raises(BenchError, match="Did you mean 'transformers'"):
        restore(folder)


def test_sizes_need_not_be_given(llama: Path) -> None:
    assert replace(llms.measured(HubLlm(str(llama))), width=0, vocabulary=0, window=0) == HubLlm(str(llama))


def test_a_gguf_file_is_the_same_model(llama: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    plain = llms.build_llm(HubLlm(str(llama)))
    one = llms.measured(HubLlm(str(toy_gguf(llama, tmp_path / "toy.gguf"))))
    dense = llms.build_llm(one)
    ids = torch.arange(5, 40)[None]
    with torch.no_grad():
        assert torch.allclose(dense(input_ids=ids).logits, plain(input_ids=ids).logits, atol=1e-5)
    assert all(parameter.dtype == torch.float32 for parameter in dense.parameters())
    (line,) = llms.llm_digests(one, None)
    assert line.startswith("llm toy.gguf ")
    assert load_tokenizer(one).encode("cat [0.10, 0.20]") == load_tokenizer(HubLlm(str(llama))).encode("cat [0.10, 0.20]")


def test_a_gguf_file_carries_a_whole_checkpoint(llama: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    file = toy_gguf(llama, tmp_path / "toy.gguf")
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", file)
    asked = [Generate((Message("user", ("What?",)),), max_new_tokens=4)]
    (_, response), *_ = Adapter(checkpoint=str(folder), device="cpu").generate(asked)
    assert response.error is None
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(BenchError, match="toy.gguf cannot be read"):
        restore(folder)


def test_without_the_package_a_gguf_file_is_a_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"needs the package gguf: pip install 'lamm-bench\[gguf\]'"):
        llms.place_of(HubLlm(str(tmp_path / "toy.gguf")))


def test_without_its_library_a_sentencepiece_model_is_a_clear_sentence(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (llama / "tokenizer.json").unlink()
    (llama / "tokenizer.model").write_bytes(b"x")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"needs sentencepiece: pip install 'lamm-bench\[sentencepiece\]'"):
        load_tokenizer(HubLlm(str(llama)))


def test_a_sentencepiece_model_gives_the_pieces_that_upstreams_slow_tokenizer_gave(llama: Path) -> None:
    """Upstream tokenises every piece with LLaMA's SentencePiece model, which puts a blank before each."""
    spm = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=model,
        model_type="bpe",
        vocab_size=340,
        hard_vocab_limit=False,
        byte_fallback=True,
        split_digits=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    (llama / "tokenizer.json").unlink()
    (llama / "tokenizer.model").write_bytes(model.getvalue())
    names = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (llama / "tokenizer_config.json").write_text(json.dumps(names))
    ours, theirs = load_tokenizer(HubLlm(str(llama))), spm.SentencePieceProcessor(model_proto=model.getvalue())
    for text in ("Look.\n\n### Human: <Img>", "</Img> What is it?\n### Assistant:", "A cat [0.10, 0.95]\n###", "é 日本  x", ""):
        assert list(ours.encode(text)) == theirs.encode(text), text
    assert ours.encode("A cat\n<s></s>")[-2:] == (1, 2)
