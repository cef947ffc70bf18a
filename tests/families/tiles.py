"""Families that cut pictures into tiles or patches of one size: Idefics, InternVL, Llama, Gemma, Mistral and others."""

from __future__ import annotations

from .parts import EYES, LLAMA, LLM, MISTRAL, QWEN2, ROPE, SIGLIP, SIZES, SQUARE, Family

ROWS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5))
IDEFICS = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
SMALL = {**EYES, "image_size": 16, "patch_size": 4}
CUT = {"size": {"longest_edge": 32}, "max_image_size": {"longest_edge": 16}}
# HuggingFaceM4/idefics2-8b, processor_config.json
IDEFICS2_CHAT = (
    "{% for message in messages %}{{ message['role'].capitalize() }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ 'IMAGE' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
# meta-llama/Llama-3.2-11B-Vision-Instruct, chat_template.json, without its tools and dates
MLLAMA_CHAT = (
    "{{ bos_token }}{% set ns = namespace(seen=false) %}{% for message in messages %}{% if message['content'] is not string %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{% set ns.seen = true %}{% endif %}{% endfor %}{% endif %}"
    "{% endfor %}{% if ns.seen and messages[0]['role'] == 'system' %}"
    "{{ raise_exception('Prompting with images is incompatible with system messages.') }}{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n\n{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n\n{% endif %}"
)
# google/gemma-3-4b-it, chat_template.json: the system text opens the first question
GEMMA_CHAT = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% if messages[0]['content'] is string %}"
    "{% set first = messages[0]['content'] + '\n\n' %}{% else %}{% set first = messages[0]['content'][0]['text'] + '\n\n' %}{% endif %}"
    "{% set loop_messages = messages[1:] %}{% else %}{% set first = '' %}{% set loop_messages = messages %}{% endif %}"
    "{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles') }}"
    "{% endif %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
    "<start_of_turn>{{ role }}\n{{ first if loop.first else '' }}{% if message['content'] is string %}{{ message['content'] | trim }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'text' %}"
    "{{ part['text'] | trim }}{% endif %}{% endfor %}{% endif %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GEMMA_TOKENS = ("<start_of_turn>", "<end_of_turn>")
WINDOWS = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16, "head_dim": 8}

TILES = [
    Family(
        "idefics2",
        {
            "model_type": "idefics2",
            "vision_config": SMALL,
            "perceiver_config": {
                "hidden_size": 32,
                "resampler_n_latents": 4,
                "resampler_depth": 1,
                "resampler_n_heads": 2,
                "resampler_head_dim": 16,
                "num_key_value_heads": 1,
            },
            "text_config": MISTRAL,
            "image_token_id": "@<image>",
        },
        "Idefics2Processor",
        {
            "image_processor_type": "Idefics2ImageProcessor",
            "size": {"longest_edge": 16, "shortest_edge": 8},
            "do_image_splitting": False,
        },
        tokens=IDEFICS,
        image="<image>",
        template=IDEFICS2_CHAT,
        told={"image_seq_len": 4},
        bos=True,
    ),
    Family(
        "idefics3",
        {"model_type": "idefics3", "vision_config": SMALL, "text_config": LLAMA, "image_token_id": "@<image>", "scale_factor": 2},
        "Idefics3Processor",
        {"image_processor_type": "Idefics3ImageProcessor", **CUT},
        tokens=(*IDEFICS, *ROWS),
        image="<image>",
        told={"image_seq_len": 4},
    ),
    Family(
        "smolvlm",
        {"model_type": "smolvlm", "vision_config": SMALL, "text_config": LLAMA, "image_token_id": "@<image>", "scale_factor": 2},
        "SmolVLMProcessor",
        {"image_processor_type": "SmolVLMImageProcessor", **CUT},
        tokens=(*IDEFICS, *ROWS),
        image="<image>",
        told={"image_seq_len": 4},
        video={"video_processor_type": "SmolVLMVideoProcessor", **CUT},
        extra="architectures",
    ),
    Family(
        "internvl",
        {
            "model_type": "internvl",
            "vision_config": {**SIZES, "num_attention_heads": 2, "image_size": [28, 28], "patch_size": [7, 7]},
            "text_config": QWEN2,
            "image_token_id": "@<IMG_CONTEXT>",
            "image_seq_length": 4,
        },
        "InternVLProcessor",
        {"image_processor_type": "GotOcr2ImageProcessor", "size": SQUARE, "crop_to_patches": False, "max_patches": 4},
        named={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        image="<IMG_CONTEXT>\n",
        told={"image_seq_length": 4},
        video={"video_processor_type": "InternVLVideoProcessor", "size": SQUARE},
    ),
    Family(
        "got_ocr2",
        {
            "model_type": "got_ocr2",
            "vision_config": {
                "hidden_size": 8,
                "output_channels": 4,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 1024,
                "patch_size": 16,
                "mlp_dim": 8,
                "window_size": 14,
                "global_attn_indexes": [],
            },
            "text_config": QWEN2,
            "image_token_index": "@<imgpad>",
            "image_seq_length": 256,
        },
        "GotOcr2Processor",
        {"image_processor_type": "GotOcr2ImageProcessor", "size": {"height": 1024, "width": 1024}},
        tokens=("<img>", "</img>", "<imgpad>"),
        needs_image=True,
    ),
    Family(
        "mllama",
        {
            "model_type": "mllama",
            "vision_config": {
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_global_layers": 1,
                "attention_heads": 2,
                "image_size": 28,
                "patch_size": 14,
                "intermediate_layers_indices": [0, 1],
                "vision_output_dim": 96,
                "max_num_tiles": 4,
            },
            "text_config": {
                **LLM,
                "bos_token_id": "@<s>",
                "num_hidden_layers": 3,
                "cross_attention_layers": [1],
                "rope_parameters": ROPE,
            },
            "image_token_index": "@<|image|>",
        },
        "MllamaProcessor",
        {"image_processor_type": "MllamaImageProcessor", "size": SQUARE, "max_image_tiles": 4},
        tokens=("<|image|>", "<|python_tag|>"),
        image="<|image|>",
        template=MLLAMA_CHAT,
        bos=True,
    ),
    Family(
        "aria",
        {
            "model_type": "aria",
            "vision_config": {**EYES, "image_size": 490, "patch_size": 70},
            "text_config": {**LLAMA, "model_type": "aria_text", "moe_num_experts": 4, "moe_topk": 2, "moe_num_shared_experts": 1},
            "image_token_index": "@<|img|>",
            "projector_patch_to_query_dict": {"49": 4, "196": 8},
        },
        "AriaProcessor",
        {"image_processor_type": "AriaImageProcessor", "max_image_size": 490, "min_image_size": 336},
        named={"image_token": "<|img|>"},
        image="<|img|>",
        told={"size_conversion": {"490": 4, "980": 8}},
    ),
    Family(
        "gemma3",
        {
            "model_type": "gemma3",
            "vision_config": {**SIGLIP, "image_size": 56},
            "text_config": {**LLM, **WINDOWS, "query_pre_attn_scalar": 8},
            "image_token_index": "@<image_soft_token>",
            "boi_token_index": "@<start_of_image>",
            "eoi_token_index": "@<end_of_image>",
            "mm_tokens_per_image": 4,
        },
        "Gemma3Processor",
        {"image_processor_type": "Gemma3ImageProcessor", "size": {"height": 56, "width": 56}},
        tokens=GEMMA_TOKENS,
        named={"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
        image="<start_of_image>",
        template=GEMMA_CHAT,
        told={"image_seq_length": 4},
        bos=True,
    ),
    Family(
        "gemma4",
        {
            "model_type": "gemma4",
            "vision_config": {
                **SIZES,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 16,
                "patch_size": 4,
                "pooling_kernel_size": 2,
                "default_output_length": 16,
                "position_embedding_size": 64,
            },
            "text_config": {
                **LLM,
                **WINDOWS,
                "global_head_dim": 8,
                "hidden_size_per_layer_input": 8,
                "vocab_size_per_layer_input": "#",
            },
            "image_token_id": "@<|image|>",
            "video_token_id": "@<|video|>",
            "audio_token_id": "@<|audio|>",
            "boi_token_id": "@<|image>",
            "eoi_token_id": "@<image|>",
        },
        "Gemma4Processor",
        {"image_processor_type": "Gemma4ImageProcessor", "patch_size": 4, "pooling_kernel_size": 2, "max_soft_tokens": 70},
        tokens=("<|video|>",),
        named={
            "image_token": "<|image|>",
            "boi_token": "<|image>",
            "eoi_token": "<image|>",
            "audio_token": "<|audio|>",
            "boa_token": "<|audio>",
            "eoa_token": "<audio|>",
        },
        image="<|image|>",
        told={
            "image_seq_length": 70,
            "feature_extractor": {"feature_extractor_type": "Gemma4AudioFeatureExtractor"},
            "video_processor": {"video_processor_type": "Gemma4VideoProcessor", "patch_size": 4},
        },
        bos=True,
        scale=0.15,
    ),
    Family(
        "perception_lm",
        {
            "model_type": "perception_lm",
            "vision_config": {
                "model_type": "timm_wrapper",
                "architecture": "vit_pe_core_large_patch14_336",
                "model_args": {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": [28, 28], "global_pool": ""},
                "num_features": 32,
            },
            "text_config": LLAMA,
            "image_token_id": "@<|image|>",
            "video_token_id": "@<|video|>",
            "projector_pooling_ratio": 1,
        },
        "PerceptionLMProcessor",
        {
            "image_processor_type": "PerceptionLMImageProcessorFast",
            "tile_size": 28,
            "max_num_tiles": 4,
            "vision_input_type": "thumb+tile",
        },
        named={"image_token": "<|image|>", "video_token": "<|video|>"},
        image="<|image|>",
        told={"patch_size": 14, "pooling_ratio": 1},
        video={"video_processor_type": "PerceptionLMVideoProcessor", "size": SQUARE},
        extra="architectures",
    ),
    Family(
        "llama4",
        {
            "model_type": "llama4",
            "vision_config": {
                **SIZES,
                "num_attention_heads": 2,
                "image_size": 28,
                "patch_size": 7,
                "intermediate_size": 128,
                "pixel_shuffle_ratio": 0.5,
                "projector_input_dim": 32,
                "projector_output_dim": 32,
                "vision_output_dim": 32,
            },
            "text_config": {
                **LLM,
                "head_dim": 8,
                "intermediate_size_mlp": 48,
                "num_local_experts": 2,
                "interleave_moe_layer_step": 2,
                "no_rope_layers": [1, 0],
                "attention_chunk_size": 4096,
            },
            "image_token_index": "@<|patch|>",
            "boi_token_index": "@<|image_start|>",
            "eoi_token_index": "@<|image_end|>",
        },
        "Llama4Processor",
        {"image_processor_type": "Llama4ImageProcessorFast", "size": SQUARE, "max_patches": 4, "resize_to_max_canvas": False},
        tokens=(
            "<|image|>",
            "<|image_start|>",
            "<|image_end|>",
            "<|patch|>",
            "<|tile_x_separator|>",
            "<|tile_y_separator|>",
        ),
        image="<|image|>",
        told={"patch_size": 7, "pixel_shuffle_ratio": 0.5},
        bos=True,
        extra="torchvision",
    ),
]
