"""Pixtral and Mistral 3, and families of the last year that are near to older ones: readers of documents, EXAONE 4.5."""

from __future__ import annotations

from .parts import LLM, MISTRAL, ROPE, SIZES, SQUARE, Family
from .qwen import GLM_CHAT, GLM_IDS, GLM_SEEN, GLM_TEXT, GLM_TOKENS, PADS, PARTS, SEEN, VIT

# mistral-community/pixtral-12b, chat_template.json: the system text opens the last question; strings for system and assistant
PIXTRAL_CHAT = (
    "{% if messages[0]['role'] == 'system' %}{% set told = messages[0]['content'] %}{% set loop_messages = messages[1:] %}"
    "{% else %}{% set loop_messages = messages %}{% endif %}{{ bos_token }}{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'user' %}{% if loop.last and told is defined %}{{ '[INST]' + told + '\n\n' }}{% else %}{{ '[INST]' }}"
    "{% endif %}{% if message['content'] is not string %}{% for part in message['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] }}{% elif part['type'] == 'image' %}{{ 'IMAGE' }}{% else %}{{ raise_exception('odd') }}{% endif %}{% endfor %}"
    "{% else %}{{ message['content'] }}{% endif %}{{ '[/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)
QWEN3 = {"model_type": "qwen3", **LLM, "head_dim": 8}
NEWER = [
    Family(
        "lighton_ocr",
        {
            "model_type": "lighton_ocr",
            "vision_config": {
                "model_type": "pixtral",
                **SIZES,
                "num_attention_heads": 2,
                "head_dim": 16,
                "image_size": 112,
                "patch_size": 14,
            },
            "text_config": QWEN3,
            "image_token_id": "@<|image_pad|>",
            "spatial_merge_size": 2,
            "tie_word_embeddings": False,
        },
        "LightOnOcrProcessor",
        {
            "image_processor_type": "PixtralImageProcessor",
            "size": {"longest_edge": 112},
            "patch_size": {"height": 14, "width": 14},
        },
        named={"image_token": "<|image_pad|>", "image_break_token": "<|vision_pad|>", "image_end_token": "<|vision_end|>"},
        image="<|image_pad|>",
        told={"patch_size": 14, "spatial_merge_size": 2},
    ),
    Family(
        "exaone4_5",
        {
            "model_type": "exaone4_5",
            "vision_config": {**VIT, "num_key_value_heads": 1, "window_size": 16, "fullatt_block_indexes": [1]},
            "text_config": {
                "model_type": "exaone4",
                **LLM,
                "layer_types": ["sliding_attention", "full_attention"],
                "sliding_window": 16,
                "sliding_window_pattern": 2,
            },
            "image_token_id": "@<|image_pad|>",
            "video_token_id": "@<|video_pad|>",
        },
        "Exaone4_5_Processor",
        {"image_processor_type": "Qwen2VLImageProcessor", **PARTS},
        tokens=PADS,
        image=SEEN,
        video={"video_processor_type": "Qwen2VLVideoProcessor", **PARTS},
    ),
    Family(
        "paddleocr_vl",
        {
            "model_type": "paddleocr_vl",
            "vision_config": {**SIZES, "num_attention_heads": 2, "image_size": 28, "patch_size": 4},
            "text_config": {**LLM, "head_dim": 8, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2]}},
            "image_token_id": "@<|IMAGE_PLACEHOLDER|>",
            "video_token_id": "@<|video_pad|>",
            "vision_start_token_id": "@<|IMAGE_START|>",
            "vision_end_token_id": "@<|IMAGE_END|>",
            "tie_word_embeddings": False,
        },
        "PaddleOCRVLProcessor",
        {"image_processor_type": "PaddleOCRVLImageProcessor", **PARTS, "temporal_patch_size": 1},
        tokens=("<|IMAGE_START|>", "<|IMAGE_END|>", "<|video_pad|>"),
        named={"image_token": "<|IMAGE_PLACEHOLDER|>"},
        image="<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>",
        bos=True,
    ),
    Family(
        "glm_ocr",
        {
            "model_type": "glm_ocr",
            "vision_config": {**VIT, "image_size": 28},
            "text_config": {**GLM_TEXT, "head_dim": 8},
            **GLM_IDS,
        },
        "Glm46VProcessor",
        {"image_processor_type": "Glm46VImageProcessor", **PARTS},
        tokens=GLM_TOKENS,
        image=GLM_SEEN,
        template=GLM_CHAT,
    ),
    Family(
        "qianfan_ocr",
        {
            "model_type": "qianfan_ocr",
            "vision_config": {**SIZES, "num_attention_heads": 2, "image_size": [28, 28], "patch_size": [7, 7]},
            "text_config": QWEN3,
            "image_token_id": "@<IMG_CONTEXT>",
            "image_seq_length": 4,
        },
        "QianfanOCRProcessor",
        {"image_processor_type": "GotOcr2ImageProcessor", "size": SQUARE, "crop_to_patches": False, "max_patches": 4},
        tokens=("<image>",),
        named={"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"},
        image="<image>\n",
        told={"image_seq_length": 4},
    ),
    *(
        Family(
            name,
            {
                "model_type": kind,
                "vision_config": {
                    "model_type": "pixtral",
                    "hidden_size": 32,
                    "intermediate_size": 48,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "head_dim": 16,
                    "image_size": 112,
                    "patch_size": 14,
                },
                "text_config": MISTRAL,
                "image_token_index": "@[IMG]",
                **more,
            },
            "PixtralProcessor",
            {
                "image_processor_type": "PixtralImageProcessor",
                "size": {"longest_edge": 112},
                "patch_size": {"height": 14, "width": 14},
            },
            tokens=("[IMG]", "[IMG_BREAK]", "[IMG_END]", "[INST]", "[/INST]"),
            image="[IMG]",
            template=PIXTRAL_CHAT,
            told={"patch_size": 14, **told},
            bos=True,
            extra="torchvision",
        )
        for name, kind, more, told in (
            ("pixtral", "llava", {"vision_feature_layer": -1, "vision_feature_select_strategy": "full"}, {}),
            ("mistral3", "mistral3", {"spatial_merge_size": 2}, {"spatial_merge_size": 2}),
        )
    ),
]
