"""Upstream's `pytorch_model.pt`: every key accounted for, there and back; looking into both formats; folding LoRA in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.config import HubLlm, load
from lamm_bench.lamm.inspection import inspect
from lamm_bench.lamm.llm import lora_shapes
from lamm_bench.lamm.merge import merge
from lamm_bench.lamm.upstream import Wish, convert, encoder_called, export_upstream
from lamm_bench.types import Generate, Message

from .commands import lamm_bench
from .hub_toys import toy_hub_checkpoint, toy_llm, upstream_tensors
from .toys import CONFIG, picture, toy_checkpoint

Q0 = "llama_model.base_model.model.model.layers.0.self_attn.q_proj"
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Vicuna, a checkpoint that lends its encoder, and upstream's file for them."""
    folder = tmp_path_factory.mktemp("bed")
    toy_llm(folder / "vicuna")
    toy_checkpoint(folder / "lender")
    assert "image" in CONFIG.encoders
    (folder / "lamm_7b").mkdir()
    torch.save(upstream_tensors(folder / "vicuna", CONFIG.encoders["image"].width), folder / "lamm_7b/pytorch_model.pt")
    return folder


def wish(bed: Path, **changes: Any) -> Wish:
    encoder, weights = encoder_called("image", str(bed / "lender"), {})
    return Wish(**{"llm": HubLlm(str(bed / "vicuna")), "media": "image", "encoder": encoder, "weights": weights, **changes})


@pytest.fixture(scope="module")
def converted(bed: Path) -> Path:
    convert(bed / "lamm_7b/pytorch_model.pt", wish(bed), bed / "converted")
    return bed / "converted"


def test_a_converted_checkpoint_is_asked_like_any_other(bed: Path, converted: Path, tmp_path: Path) -> None:
    config = load(converted)
    assert config.lora is not None and (config.lora.r, config.lora.alpha) == (32, 32) and config.name == "lamm_7b"
    assert config.lora.targets == ("k_proj", "o_proj", "q_proj", "v_proj")
    image = picture(tmp_path, "a.png")
    adapter = Adapter(checkpoint=str(converted), device="cpu")
    (_, response), *_ = adapter.generate([Generate((Message("user", (image, "What?")),), max_new_tokens=4)])
    assert response.error is None and response.tokens[0] > 0


def test_what_the_model_computes_is_upstreams_sum(bed: Path, converted: Path) -> None:
    """W + (alpha / r) B A on the layer that the key names, and the projection as it was."""
    from transformers import AutoModelForCausalLM

    held: Tensors = torch.load(bed / "lamm_7b/pytorch_model.pt", weights_only=True)
    model, _ = restore(converted)
    model.merge_lora()
    plain = AutoModelForCausalLM.from_pretrained(bed / "vicuna").model.layers[0].self_attn.q_proj.weight
    sum_ = plain + held[f"{Q0}.lora_B.default.weight"].float() @ held[f"{Q0}.lora_A.default.weight"].float()
    assert torch.allclose(model.llama.model.layers[0].self_attn.q_proj.weight, sum_, atol=1e-5)
    assert torch.equal(model.llama_proj["image"].weight, held["llama_proj.weight"].float())


def test_there_and_back_nothing_changes(bed: Path, converted: Path, tmp_path: Path) -> None:
    count = export_upstream(converted, tmp_path / "out/pytorch_model.pt")
    before: Tensors = torch.load(bed / "lamm_7b/pytorch_model.pt", weights_only=True)
    after: Tensors = torch.load(tmp_path / "out/pytorch_model.pt", weights_only=True)
    assert set(after) == set(before) and count == len(before)
    assert all(torch.equal(after[k], before[k]) and after[k].dtype == before[k].dtype for k in before)


@pytest.mark.parametrize("media", ["image", "point_cloud"])
def test_back_and_there_nothing_changes_either(bed: Path, tmp_path: Path, media: str) -> None:
    """convert(export(x)) == x, for a checkpoint that was trained here, with both kinds of media."""
    toy_hub_checkpoint(tmp_path / "x", bed / "vicuna")
    export_upstream(tmp_path / "x", tmp_path / "x.pt", media)
    encoder, weights = encoder_called(media, str(tmp_path / "x"), {})
    lora = load(tmp_path / "x").lora
    assert lora is not None
    made = wish(bed, media=media, encoder=encoder, weights=weights, alpha=lora.alpha)
    convert(tmp_path / "x.pt", made, tmp_path / "y")
    x, y = load(tmp_path / "x"), load(tmp_path / "y")
    assert (y.llm, y.encoders[media], y.layout) == (x.llm, x.encoders[media], x.layout)
    assert (y.lora.r, y.lora.alpha, sorted(y.lora.targets)) == (lora.r, lora.alpha, sorted(lora.targets))  # type: ignore[union-attr]
    for file in ("lamm.safetensors", "encoders.safetensors"):
        whole = {k: t for k, t in load_file(tmp_path / "x" / file).items() if "lora" in k or media in k.split(".")}
        again = load_file(tmp_path / "y" / file)
        assert set(again) == set(whole) and all(torch.equal(again[k], whole[k]) for k in whole)


def test_both_sizes_have_upstreams_number_of_tensors() -> None:
    """322 for Vicuna 13B and 258 for 7B (reference 3.8), and 52,428,800 and 33,554,432 LoRA parameters (3.1)."""
    from transformers import LlamaConfig

    for hidden, layers, heads, count, parameters in ((5120, 40, 40, 322, 52_428_800), (4096, 32, 32, 258, 33_554_432)):
        config = LlamaConfig(
            hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=heads, vocab_size=32001
        )
        shapes = lora_shapes(config, 32, ("q_proj", "k_proj", "v_proj", "o_proj"), "llama_model.base_model.model.")
        assert len(shapes) + 2 == count and sum(a * b for a, b in shapes.values()) == parameters
        assert f"{Q0}.lora_A.default.weight" in shapes and shapes[f"{Q0}.lora_A.default.weight"] == (32, hidden)


def drop(held: Tensors) -> None:
    del held[f"{Q0}.lora_B.default.weight"]


def add(held: Tensors) -> None:
    held["llama_model.base_model.model.model.layers.9.self_attn.q_proj.lora_A.default.weight"] = torch.zeros(32, 32)


def turn(held: Tensors) -> None:
    held["llama_proj.weight"] = held["llama_proj.weight"].T.contiguous()


def other_prefix(held: Tensors) -> None:
    for name in list(held):
        held[f"module.{name}"] = held.pop(name)


def no_bias(held: Tensors) -> None:
    del held["llama_proj.bias"]


def two_ranks(held: Tensors) -> None:
    held[f"{Q0}.lora_A.default.weight"] = torch.zeros(8, 32)


def optimizer(held: Tensors) -> None:
    held["optimizer.state"] = torch.zeros(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop, rf"lacks the tensor '{Q0}.lora_B.default.weight' .*\(1 such"),
        (add, r"holds the tensor 'llama_model.*layers.9.*lora_A.default.weight' .*\(1 such"),
        (turn, r"'llama_proj.weight' has shape \[8, 32\], .* asks for \[32, 8\]"),
        (other_prefix, "holds no LoRA tensors .* its keys are like module.llama_model"),
        (no_bias, "lacks the tensor 'llama_proj.bias'"),
        (two_ranks, r"ranks \[8, 32\], expected one"),
        (optimizer, "holds the tensor 'optimizer.state'"),
    ],
)
def test_a_key_too_few_too_many_or_misshaped_is_named(
    bed: Path, tmp_path: Path, change: Callable[[Tensors], None], said: str
) -> None:
    held: Tensors = torch.load(bed / "lamm_7b/pytorch_model.pt", weights_only=True)
    change(held)
    torch.save(held, tmp_path / "bad.pt")
    with pytest.raises(BenchError, match=said):
        convert(tmp_path / "bad.pt", wish(bed), tmp_path / "out")
    assert not (tmp_path / "out").exists() and sorted(f.name for f in tmp_path.iterdir()) == ["bad.pt"]


def test_a_language_model_of_another_size_is_said_to_be_one(bed: Path, tmp_path: Path) -> None:
    toy_llm(tmp_path / "wide", hidden_size=64)
    with pytest.raises(BenchError, match="is it a language model of another size"):
        convert(bed / "lamm_7b/pytorch_model.pt", wish(bed, llm=HubLlm(str(tmp_path / "wide"))), tmp_path / "out")


class Stranger:
    """Something that only unpickling would make."""


def test_files_that_are_no_upstream_checkpoint_are_one_sentence(bed: Path, tmp_path: Path) -> None:
    whole = (bed / "lamm_7b/pytorch_model.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pt").write_text("not weights")
    torch.save({"x": Stranger()}, tmp_path / "foreign.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    for name, said in (
        ("cut", "truncated or foreign"),
        ("text", "truncated or foreign"),
        ("foreign", "Stranger, which is never unpickled"),
        ("list", "it holds list, expected tensors"),
        ("none", "is missing"),
    ):
        with pytest.raises(BenchError, match=said):
            inspect(tmp_path / f"{name}.pt")


def test_an_encoder_whose_weights_are_nowhere_is_refused(bed: Path, tmp_path: Path) -> None:
    encoder, weights = encoder_called("image", "mini", {"size": "16", "widths": "[4, 8]", "blocks": "[0, 1]"})
    with pytest.raises(BenchError, match="weights of the encoder mini are nowhere"):
        convert(bed / "lamm_7b/pytorch_model.pt", wish(bed, encoder=encoder, weights=weights), tmp_path / "out")
    with pytest.raises(BenchError, match="There are:.* mini"):
        encoder_called("image", "minni", {})
    with pytest.raises(BenchError, match="Did you mean 'size'"):
        encoder_called("image", "mini", {"sise": "3"})


def test_a_named_clip_tower_is_found_from_any_folder(bed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAMM's own way: the encoder is CLIP, whose weights are named and not copied."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=28, patch_size=14)).save_pretrained(tmp_path / "clip")
    torch.save(upstream_tensors(bed / "vicuna", 32), tmp_path / "pytorch_model.pt")
    monkeypatch.chdir(tmp_path)
    settings = "weights=clip size=28 patch=14 hidden=32 layers=2 heads=2 mlp=64".split()
    words = [word for setting in settings for word in ("--encoder-set", setting)]
    made = lamm_bench(
        "checkpoint", "convert", "pytorch_model.pt", "--llm", bed / "vicuna", "--encoder", "clip", *words, "--output", "m"
    )
    assert made.exit_code == 0, made.output
    assert not load_file(tmp_path / "m/encoders.safetensors")
    monkeypatch.chdir(bed)
    asked = [Generate((Message("user", (picture(tmp_path, "a.png"), "What?")),), max_new_tokens=3)]
    (_, response), *_ = Adapter(checkpoint=str(tmp_path / "m"), device="cpu").generate(asked)
    assert response.error is None and "weights" in inspect(tmp_path / "m").facts["image encoder"]


def test_an_export_of_two_projections_must_say_which(bed: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "x", bed / "vicuna")
    with pytest.raises(BenchError, match="projections for image and point_cloud, upstream's file has one"):
        export_upstream(folder, tmp_path / "x.pt")
    with pytest.raises(BenchError, match="no kind of media .* called 'sound'"):
        export_upstream(folder, tmp_path / "x.pt", "sound")


def test_a_merged_model_is_a_plain_one_with_the_same_logits(bed: Path, converted: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge(converted, tmp_path / "merged")
    model, tokenizer = restore(converted)
    ids = torch.tensor([tokenizer.encode("cat [0.10, 0.20]")])
    with torch.no_grad():
        expected = model.llama(input_ids=ids).logits
        found = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")(input_ids=ids).logits
        bare = AutoModelForCausalLM.from_pretrained(bed / "vicuna")(input_ids=ids).logits
    assert torch.allclose(found, expected, atol=1e-4) and not torch.allclose(bare, expected, atol=0.1)
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").encode("cat", add_special_tokens=False) == list(
        tokenizer.encode("cat")
    )


def test_the_built_in_kind_can_be_merged_too(bed: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge(bed / "lender", tmp_path / "merged")
    model, tokenizer = restore(bed / "lender")
    ids = torch.arange(10)[None]
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")(input_ids=ids).logits
        assert torch.allclose(found, model.llama(input_ids=ids).logits, atol=1e-3)
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").encode("cat [0.10]") == list(tokenizer.encode("cat [0.10]"))


def test_a_merged_model_serves_as_the_language_model_of_a_checkpoint(bed: Path, converted: Path, tmp_path: Path) -> None:
    merge(converted, tmp_path / "merged")
    data = json.loads((converted / "config.json").read_text())
    data |= {"lora": None, "llm": {**data["llm"], "path": str(tmp_path / "merged")}}
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/config.json").write_text(json.dumps(data))
    (tmp_path / "plain/encoders.safetensors").write_bytes((converted / "encoders.safetensors").read_bytes())
    from safetensors.torch import save_file

    projection = {k: t for k, t in load_file(converted / "lamm.safetensors").items() if k.startswith("llama_proj")}
    save_file(projection, tmp_path / "plain/lamm.safetensors")
    image = picture(tmp_path, "a.png")
    asked = [Generate((Message("user", (image, "What?")),), max_new_tokens=6)]
    said = [list(Adapter(checkpoint=str(folder), device="cpu").generate(asked)) for folder in (converted, tmp_path / "plain")]
    assert said[0] == said[1]
    with pytest.raises(BenchError, match="has no LoRA to fold in"):
        merge(tmp_path / "plain", tmp_path / "again")


def test_nothing_is_written_over(bed: Path, converted: Path) -> None:
    for write in (
        lambda: convert(bed / "lamm_7b/pytorch_model.pt", wish(bed), converted),
        lambda: merge(converted, converted),
    ):
        with pytest.raises(BenchError, match="not an empty folder"):
            write()


def test_an_inspection_counts_every_tensor_and_knows_lora_again(bed: Path, converted: Path) -> None:
    theirs, ours = inspect(bed / "lamm_7b/pytorch_model.pt"), inspect(converted)
    digests = {part.name: part.digest for part in ours.parts}
    assert [part.digest for part in theirs.parts] == [digests["LoRA"], digests["image projection"]]
    assert [part.tensors for part in theirs.parts] == [2 * 4 * 2, 2]
    assert len(ours.tensors) == sum(part.tensors for part in ours.parts)
    assert "width 32" in ours.facts["language model"] and theirs.facts["LoRA ranks"] == "32"


def test_an_inspection_shows_what_it_does_not_know(bed: Path, tmp_path: Path) -> None:
    held: Tensors = torch.load(bed / "lamm_7b/pytorch_model.pt", weights_only=True)
    optimizer(held)
    torch.save(held, tmp_path / "more.pt")
    assert inspect(tmp_path / "more.pt").parts[-1].name == "not known"


def test_an_inspection_goes_on_without_the_language_model(bed: Path, tmp_path: Path) -> None:
    toy_llm(tmp_path / "llm")
    folder = toy_hub_checkpoint(tmp_path / "x", tmp_path / "llm")
    (tmp_path / "llm").rename(tmp_path / "moved")
    assert "is missing" in inspect(folder).facts["language model"]


def test_the_command_line_converts_inspects_and_merges(bed: Path, tmp_path: Path) -> None:
    words = ("--llm", bed / "vicuna", "--encoder", bed / "lender", "--output", tmp_path / "made")
    made = lamm_bench("checkpoint", "convert", bed / "lamm_7b/pytorch_model.pt", *words)
    assert made.exit_code == 0 and "--set checkpoint=" in made.stdout
    assert "has 300 embeddings; Vicuna v0 has 32001" in made.stderr and "reads `###` as" in made.stderr
    looked = lamm_bench("checkpoint", "inspect", tmp_path / "made", "--tensors")
    assert looked.exit_code == 0 and "r 32, alpha 32" in looked.stdout and "llama_proj.image.bias  32  float16" in looked.stdout
    data = json.loads(lamm_bench("checkpoint", "inspect", bed / "lamm_7b/pytorch_model.pt", "--json").stdout)
    assert data["parts"][1]["name"] == "projection" and "tensors" not in data
    assert lamm_bench("checkpoint", "merge", tmp_path / "made", "--output", tmp_path / "merged").exit_code == 0
    again = lamm_bench("checkpoint", "merge", tmp_path / "made", "--output", tmp_path / "merged")
    assert again.exit_code == 2 and "choose another --output" in again.stderr
    plain = lamm_bench("checkpoint", "inspect", tmp_path / "merged")
    assert plain.exit_code == 2 and "is a model of transformers (llama), not a checkpoint of LAMM" in plain.stderr
    wrong = lamm_bench("checkpoint", "inspect", tmp_path / "nowhere")
    assert wrong.exit_code == 2
    assert "nowhere is missing; expected a checkpoint folder or upstream's pytorch_model.pt" in " ".join(wrong.stderr.split())


@pytest.mark.parametrize(
    ("folder", "settings", "said"),
    [
        ("vicuna-7b-v1.3", {}, "calls itself Vicuna v1.3; LAMM's checkpoints belong to Vicuna v0"),
        ("vicuna-7b-v0", {}, "has 300 embeddings; Vicuna v0 has 32001"),
        ("vicuna-7b-v0", {"eos_token_id": 7}, "has eos 2, the language model's config says 7"),
        ("vicuna-7b-v0", {"vocab_size": 299}, "has 300 tokens and the language model 299 embeddings"),
        ("vicuna-7b-v0", {}, r"pads with 0; upstream pads with the end of sequence, 2"),
    ],
)
def test_what_fits_badly_stands_in_the_manifest(
    bed: Path, tmp_path: Path, mini_root: Path, folder: str, settings: dict[str, int], said: str
) -> None:
    llm = toy_llm(tmp_path / folder)
    if "vocab_size" in settings:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(llm)
        model.resize_token_embeddings(settings["vocab_size"])
        model.save_pretrained(llm)
    config = json.loads((llm / "config.json").read_text())
    (llm / "config.json").write_text(json.dumps({**config, **settings}))
    convert(bed / "lamm_7b/pytorch_model.pt", wish(bed, llm=HubLlm(str(llm))), tmp_path / "made")
    words = ("--model", "lamm", "--set", f"checkpoint={tmp_path / 'made'}", "--tasks", "cifar10", "--data-root", mini_root)
    result = lamm_bench("run", *words, "--limit", 1, "--output", tmp_path / "run")
    assert result.exit_code in (0, 3), result.output
    warnings = json.loads((tmp_path / "run/manifest.json").read_text())["model"]["notes"]
    assert any(said in sentence for sentence in warnings), warnings


def test_the_built_in_baseline_has_nothing_to_warn_of() -> None:
    assert Adapter().notes == []
