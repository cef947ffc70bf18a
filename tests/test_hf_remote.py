"""`hf-chat` on models whose code comes with them: shown their images, or refused, and never asked blindly in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Media, Message, Score

from .tiny_hf import TEMPLATE, tiny_llava
from .toys import picture

CONFIG = """
from transformers import LlavaConfig

class SeerConfig(LlavaConfig):
    model_type = "seer"
"""
MODEL = """
from transformers import LlavaForConditionalGeneration
from .configuration_seer import SeerConfig

class Seer(LlavaForConditionalGeneration):
    config_class = SeerConfig

    def forward(self, input_ids=None, **words):
        LEAVES
        return super().forward(input_ids=input_ids, **words)

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, pixel_values=None, **words):
        return super().prepare_inputs_for_generation(input_ids, attention_mask=attention_mask, pixel_values=pixel_values, **words)
"""
PROCESSOR = """
from transformers import LlavaProcessor

class SeerProcessor(LlavaProcessor):
    pass
"""
STRINGS = (  # as Phi-3.5-Vision's own: content is plain text, and a picture is written by who asks
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
)
ROUGH = "words = {key: value for key, value in words.items() if key != 'pixel_values'}"
OPTIONS = ("cat", "a small dog")


def seer(
    folder: Path, line: str = "", processor: bool = True, template: str = TEMPLATE, auto: str = "AutoModelForCausalLM"
) -> Path:
    """A repository with code of its own, which names `auto` as the class that loads it."""
    tiny_llava(folder, template)
    for name, code in (
        ("configuration", CONFIG),
        ("modeling", MODEL.replace("LEAVES", line or "pass")),
        ("processing", PROCESSOR),
    ):
        (folder / f"{name}_seer.py").write_text(code)
    told = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "configuration_seer.SeerConfig", auto: "modeling_seer.Seer"}
    if processor:
        names["AutoProcessor"] = "processing_seer.SeerProcessor"
    (folder / "config.json").write_text(json.dumps({**told, "model_type": "seer", "auto_map": names}))
    for file in ("processor_config.json", "tokenizer_config.json"):
        data = json.loads((folder / file).read_text())
        data.pop("processor_class", None)
        if processor:
            data["auto_map"] = {"AutoProcessor": names["AutoProcessor"]}
        (folder / file).write_text(json.dumps(data))
    if not processor:
        (folder / "processor_config.json").unlink()
    held = load_file(folder / "model.safetensors")
    save_file({named(key): tensor for key, tensor in held.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def named(key: str) -> str:
    """The name of a tensor in the model, which transformers finds by itself only for types that it knows."""
    for old, new in (("language_model.lm_head", "lm_head"), ("language_model.model", "model.language_model")):
        if key.startswith(old):
            return new + key.removeprefix(old)
    return f"model.{key}"


@pytest.fixture(autouse=True, scope="module")
def own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Code of models is copied into a folder of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        yield


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    root = tmp_path_factory.mktemp("media")
    return [picture(root, f"{n}.png", n, (30 + 9 * n, 24)) for n in range(2)]


def test_without_leave_no_code_is_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="contains custom code"):
        HfChat(str(seer(tmp_path / tmp_path.name))).fingerprint()


@pytest.mark.parametrize(
    ("auto", "template"),
    [("AutoModelForCausalLM", TEMPLATE), ("AutoModelForCausalLM", STRINGS), ("AutoModelForImageTextToText", TEMPLATE)],
)
def test_a_model_that_is_listed_as_a_language_model_is_shown_its_images(
    auto: str, template: str, tmp_path: Path, media: list[Media]
) -> None:
    adapter = HfChat(str(seer(tmp_path / tmp_path.name, auto=auto, template=template)), trust_remote_code=True)
    assert adapter.modalities == {"image"}
    asked = [(Message("user", (one, "What is this?")),) for one in media]
    answers, scores = (
        dict(adapter.generate([Generate(one, 5) for one in asked])),
        dict(adapter.score([Score(one, OPTIONS) for one in asked])),
    )
    assert [answers[n].error for n in (0, 1)] == [None, None]
    assert scores[0].logprobs != scores[1].logprobs
    assert any("written as '<image>'" in note for note in adapter.notes) == (template == STRINGS)


def test_a_model_whose_code_leaves_its_images_out_is_refused(tmp_path: Path) -> None:
    adapter = HfChat(
        str(seer(tmp_path / tmp_path.name, ROUGH + "; input_ids = input_ids.clamp(max=250)")), trust_remote_code=True
    )
    with pytest.raises(BenchError, match=r"a white and a red picture are the same to it\); --set images=none"):
        adapter.fingerprint()


def test_a_model_whose_code_takes_no_images_is_refused(tmp_path: Path) -> None:
    adapter = HfChat(
        str(seer(tmp_path / tmp_path.name, "assert 'pixel_values' not in words, 'text only'")), trust_remote_code=True
    )
    with pytest.raises(BenchError, match=r"has eyes, and hf-chat cannot show it images \(AssertionError: text only\)"):
        adapter.fingerprint()


def test_a_model_without_a_processor_is_refused_and_can_be_asked_blindly(tmp_path: Path, media: list[Media]) -> None:
    folder = str(seer(tmp_path / tmp_path.name, processor=False))
    with pytest.raises(BenchError, match=r"has eyes \(`vision_config` in config.json\), but its files name no processor"):
        HfChat(folder, trust_remote_code=True).modalities  # noqa: B018
