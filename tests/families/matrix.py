"""The table of docs/architectures.md, from examining a checkpoint of each family: `python -m tests.families.matrix` writes it anew.

Columns that stand behind those of ours are kept as they are."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.doctor import Finding, examine
from lamm_bench.read.conventions import of_type

from . import FAMILIES, Family, build

PAGE = Path(__file__).parents[2] / "docs/architectures.md"
HEAD = (
    "model type",
    "for instance",
    "loads",
    "answers",
    "scores options",
    "keeps images",
    "shares prompts",
    "remarks",
    "convention",
)
LEFT_OUT = ("memory", "speed", "long")  # of the doctor's checks: slow, and not about the architecture
EXAMPLES: Mapping[str, str] = {  # as transformers' own configuration_*.py names them, but for the three behind the last line
    "llava": "llava-hf/llava-1.5-7b-hf",
    "llava_next": "llava-hf/llava-v1.6-mistral-7b-hf",
    "llava_next_video": "llava-hf/LLaVA-NeXT-Video-7B-hf",
    "llava_onevision": "llava-hf/llava-onevision-qwen2-7b-ov-hf",
    "vipllava": "llava-hf/vip-llava-7b-hf",
    "video_llava": "LanguageBind/Video-LLaVA-7B-hf",
    "aya_vision": "CohereForAI/aya-vision-8b",
    "cohere2_vision": "CohereLabs/command-a-vision-07-2025",
    "qwen2_vl": "Qwen/Qwen2-VL-7B-Instruct",
    "qwen3_vl": "Qwen/Qwen3-VL-4B-Instruct",
    "qwen3_vl_moe": "Qwen/Qwen3-VL-30B-A3B-Instruct",
    "qwen3_5": "Qwen/Qwen3.5-27B",
    "qwen3_5_moe": "Qwen/Qwen3.5-35B-A3B",
    "glm4v": "zai-org/GLM-4.1V-9B-Thinking",
    "glm4v_moe": "zai-org/GLM-4.5V",
    "video_llama_3": "lkhl/VideoLLaMA3-2B-Image-HF",
    "ovis2": "thisisiron/Ovis2-1B-hf",
    "idefics2": "HuggingFaceM4/idefics2-8b",
    "idefics3": "HuggingFaceM4/Idefics3-8B-Llama3",
    "smolvlm": "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
    "internvl": "OpenGVLab/InternVL3-1B-hf",
    "mllama": "meta-llama/Llama-3.2-11B-Vision",
    "aria": "rhymes-ai/Aria",
    "gemma3": "google/gemma-3-4b-it",
    "gemma4": "google/gemma-4-e2b-it",
    "perception_lm": "facebook/Perception-LM-1B",
    "llama4": "meta-llama/Llama-4-Scout-17B-16E",
    "pixtral": "mistral-labs/pixtral-12b",
    "mistral3": "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    "janus": "deepseek-community/Janus-Pro-1B",
    "deepseek_vl": "deepseek-community/deepseek-vl-1.3b-chat",
    "deepseek_vl_hybrid": "deepseek-community/deepseek-vl-7b-chat",
    "chameleon": "facebook/chameleon-7b",
    "molmo2": "allenai/Molmo2-8B",
    "minicpmv4_6": "openbmb/MiniCPM-V-4.6",
    "lfm2_vl": "LiquidAI/LFM2-VL-1.6B",
    "phi4_multimodal": "microsoft/Phi-4-multimodal-instruct",
    "paligemma": "google/paligemma-3b-pt-224",
    "idefics": "HuggingFaceM4/idefics-9b",
    "blip2": "Salesforce/blip2-opt-2.7b",
    "instructblip": "Salesforce/instructblip-flan-t5-xl",
    "kosmos2": "microsoft/kosmos-2-patch14-224",
    "git": "microsoft/git-base",
    "florence2": "florence-community/Florence-2-base",
    "pix2struct": "google/pix2struct-base",
    "fuyu": "adept/fuyu-8b",
    "lighton_ocr": "lightonai/LightOnOCR-1B-1025",
    "exaone4_5": "LGAI-EXAONE/EXAONE-4.5-33B",
    "paddleocr_vl": "PaddlePaddle/PaddleOCR-VL",
    "glm_ocr": "zai-org/GLM-OCR",
    "qianfan_ocr": "baidu/Qianfan-OCR",
    # their own cards
    "qwen2_5_vl": "Qwen/Qwen2.5-VL-7B-Instruct",
    "glm46v": "zai-org/GLM-4.6V-Flash",
    "got_ocr2": "stepfun-ai/GOT-OCR-2.0-hf",
}


def findings_of(folder: Path) -> tuple[HfChat, dict[str, Finding]]:
    """What the doctor says of a checkpoint, but for a few slow checks."""
    from lamm_bench.testing import CHECK_NAMES

    adapter = HfChat(str(folder), batch_size=4)
    return adapter, {found.check: found for found in examine(adapter, only=[n for n in CHECK_NAMES if n not in LEFT_OUT])}


def row_of(family: Family, adapter: HfChat, findings: Mapping[str, Finding]) -> tuple[str, ...]:
    """The family's line of the table."""
    failed = {name for name, finding in findings.items() if finding.verdict == "fail"}
    scores = {name for name in findings if name.startswith("score")}
    asker = adapter.asker
    kept = ["no" if kind in asker.reuse.faults else "yes" for kind in ("images", "prompts")]
    kind = str(family.config["model_type"])
    return (
        f"`{kind}`" + ("" if family.name == kind.replace("-", "") else f" ({family.name})"),
        EXAMPLES[family.name],
        "yes",
        "no" if failed - scores else "yes",
        "no" if failed & scores or findings["score"].verdict != "pass" else "yes",
        *kept,
        remarks(family, adapter, sorted(failed)),
        of_type(kind) or "-",
    )


def remarks(family: Family, adapter: HfChat, failed: Collection[str]) -> str:
    """What is otherwise than elsewhere, in a few words; the adapter's notes say it in sentences."""
    loaded, forms, company = adapter.asker.loaded, adapter.asker.wording.forms, adapter.asker.company
    words = [f"extra `{family.extra}`"] if family.extra else []
    words += ["words of ours"] if family.image is None else []
    words += ["one image a question"] if loaded.own.images == "flat" else []
    words += ["no question without an image"] if family.needs_image else []
    words += ["system text in the question beside an image"] if forms.system == "alone" else []
    words += ["asked one by one"] if company.parted else []
    words += [f"the doctor's `{name}` fails" for name in failed]
    return ", ".join(words)


def table(rows: Collection[tuple[str, ...]], behind: Mapping[str, tuple[str, ...]], more: tuple[str, ...] = ()) -> str:
    """Markdown; `behind` holds the cells of columns that are not ours, by the model type."""
    lines = [(*HEAD, *more), ("---",) * (len(HEAD) + len(more))]
    lines += [(*row, *behind.get(row[0], ("",) * len(more))) for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def told(page: str) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The rows of the page's table and the heads of the columns behind ours."""
    lines = [line.strip() for line in page.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line[1:-1].split("|")) for line in lines]
    start = next(number for number, row in enumerate(cells) if row[: len(HEAD)] == HEAD)
    return cells[start + 2 :], cells[start][len(HEAD) :]


def main(names: Collection[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows, more = told(page)
    old = {row[0]: row for row in rows}
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name, family in FAMILIES.items():
            if names and name not in names:
                continue
            adapter, findings = findings_of(build(family, Path(folder) / name))
            made.append(row_of(family, adapter, findings))
            faults = [f"{found.check}: {found.reason}" for found in findings.values() if found.verdict == "fail"]
            print(*made[-1], *faults, sep=" | ", flush=True)
    new = {**{key: row[: len(HEAD)] for key, row in old.items() if names}, **{row[0]: row for row in made}}
    behind = {key: row[len(HEAD) :] for key, row in old.items()}
    head, _, rest = page.partition("| " + HEAD[0])
    after = rest.partition("\n\n")[2]
    PAGE.write_text(head + table(list(new.values()), behind, more) + ("\n" + after if after else ""), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
