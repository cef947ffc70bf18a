"""Qwen-VL, GLM-V and others that show pictures in their own size and count positions in three dimensions."""

from __future__ import annotations

from .parts import LLM, QWEN2, ROPE, SQUARE, Family

PADS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
IDS = {
    "image_token_id": "@<|image_pad|>",
    "video_token_id": "@<|video_pad|>",
    "vision_start_token_id": "@<|vision_start|>",
    "vision_end_token_id": "@<|vision_end|>",
}
TURNS = {**ROPE, "mrope_section": [1, 1, 2]}
PARTS = {"patch_size": 4, "merge_size": 2, "temporal_patch_size": 2, "size": {"shortest_edge": 64, "longest_edge": 768}}
SEEN = "<|vision_start|><|image_pad|><|vision_end|>"
VIT = {"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 32, "patch_size": 4}
QWEN3 = {**VIT, "deepstack_visual_indexes": [0], "num_position_embeddings": 16}
VIDEO = {"video_processor_type": "Qwen2VLVideoProcessor", **PARTS}
VIDEO3 = {"video_processor_type": "Qwen3VLVideoProcessor", **PARTS}
LINEAR = {
    **LLM,
    "head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2], "partial_rotary_factor": 0.5, "mrope_interleaved": True},
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
LETTERS = ("<|begin_of_image|>", "<|end_of_image|>", "<|image|>", "<|begin_of_video|>", "<|end_of_video|>", "<|video|>")
GLM_IDS = {
    "image_token_id": "@<|image|>",
    "video_token_id": "@<|video|>",
    "image_start_token_id": "@<|begin_of_image|>",
    "image_end_token_id": "@<|end_of_image|>",
    "video_start_token_id": "@<|begin_of_video|>",
    "video_end_token_id": "@<|end_of_video|>",
}
GLM_EYES = {**VIT, "image_size": 28}
# GLM-4.1V's own template (zai-org/GLM-4.1V-9B-Thinking, chat_template.jinja) prints a system message's content as it is
GLM_CHAT = (
    "[gMASK]<sop>{% for message in messages %}{% if message['role'] == 'system' %}<|system|>\n{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}<|user|>\n{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'text' %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{% elif message['role'] == 'assistant' %}<|assistant|>\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}{{ part['text'] }}"
    "{% endfor %}{% endif %}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
GLM_TOKENS = (*LETTERS, "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>")
GLM_SEEN = "<|begin_of_image|><|image|><|end_of_image|>"
GLM_TEXT = {**LLM, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 0], "partial_rotary_factor": 0.5}}


def glm(name: str, kind: str, text: dict[str, object], eyes: str, letter: str) -> Family:
    return Family(
        name,
        {
            "model_type": name,
            "vision_config": {"model_type": eyes, **GLM_EYES},
            "text_config": {"model_type": kind, **text},
            **GLM_IDS,
        },
        f"Glm4{letter}Processor",
        {"image_processor_type": f"Glm4{letter}ImageProcessor", **PARTS},
        tokens=GLM_TOKENS,
        image=GLM_SEEN,
        template=GLM_CHAT,
        video={"video_processor_type": f"Glm4{letter}VideoProcessor", **PARTS},
    )


def qwen(
    name: str, text: dict[str, object], eyes: dict[str, object], letters: str = "3", video: dict[str, object] = VIDEO3
) -> Family:
    return Family(
        name,
        {"model_type": name, "vision_config": eyes, "text_config": text, **IDS},
        f"Qwen{letters}VLProcessor",
        {"image_processor_type": "Qwen2VLImageProcessor", **PARTS},
        tokens=PADS,
        image=SEEN,
        video=video,
    )


QWENS = [
    qwen(
        "qwen2_vl",
        {**LLM, "rope_parameters": TURNS},
        {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "mlp_ratio": 2},
        "2",
        VIDEO,
    ),
    qwen(
        "qwen2_5_vl",
        {**LLM, "rope_parameters": TURNS},
        {**VIT, "window_size": 16, "fullatt_block_indexes": [1]},
        "2_5_",
        VIDEO,
    ),
    qwen("qwen3_vl", {**LLM, "head_dim": 8, "rope_parameters": {**TURNS, "mrope_interleaved": True}}, QWEN3),
    qwen(
        "qwen3_vl_moe",
        {**LLM, **EXPERTS, "head_dim": 8, "num_local_experts": 4, "rope_parameters": {**TURNS, "mrope_interleaved": True}},
        QWEN3,
    ),
    qwen("qwen3_5", LINEAR, {**VIT, "num_position_embeddings": 16}),
    qwen("qwen3_5_moe", {**LINEAR, **EXPERTS, "shared_expert_intermediate_size": 16}, {**VIT, "num_position_embeddings": 16}),
    glm("glm4v", "glm4v_text", GLM_TEXT, "glm4v_vision", "v"),
    glm("glm46v", "glm4v_text", GLM_TEXT, "glm4v_vision", "6V"),
    glm(
        "glm4v_moe",
        "glm4v_moe_text",
        {
            **GLM_TEXT,
            "first_k_dense_replace": 1,
            "moe_intermediate_size": 16,
            "n_routed_experts": 4,
            "n_shared_experts": 1,
            "num_experts_per_tok": 2,
            "head_dim": 8,
        },
        "glm4v_moe_vision",
        "v",
    ),
    Family(
        "video_llama_3",
        {
            "model_type": "video_llama_3",
            "vision_config": {
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "patch_size": 4,
            },
            "text_config": QWEN2,
            "image_token_id": "@<|image_pad|>",
            "video_token_id": "@<|video_pad|>",
        },
        "VideoLlama3Processor",
        {"image_processor_type": "VideoLlama3ImageProcessor", **PARTS, "temporal_patch_size": 1},
        tokens=PADS,
        image="<|image_pad|>",
        video={
            "video_processor_type": "VideoLlama3VideoProcessor",
            **PARTS,
            "temporal_patch_size": 1,
            "use_token_compression": False,
        },
    ),
    Family(
        "ovis2",
        {
            "model_type": "ovis2",
            "vision_config": {
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 28,
                "patch_size": 14,
                "vocab_size": 37,
                "hidden_stride": 1,
            },
            "text_config": QWEN2,
            "hidden_size": 32,
            "vocab_size": "#",
            "image_token_id": "@<IMG_ATOM>",
            "visual_indicator_token_ids": ["@<IMG_START>", "@<IMG_GRID>", "@<IMG_COL>", "@<IMG_ROW>", "@<IMG_END>"],
        },
        "Ovis2Processor",
        {"image_processor_type": "Ovis2ImageProcessor", "size": SQUARE, "crop_to_patches": True, "max_patches": 3},
        tokens=("<image>", "<IMG_ATOM>", "<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"),
        image="<image>\n",
        told={"image_seq_length": 4},
        seed=4,
    ),
]
