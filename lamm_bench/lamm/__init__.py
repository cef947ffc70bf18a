"""The LAMM model (Yin et al. 2023): frozen encoder, one linear projection, a LLaMA-architecture language model with LoRA.

encode.py     messages -> pieces -> tokens and labels: the one road of training and evaluation
config.py     what a checkpoint's config.json says
tokenizer.py  the byte-level tokenizer of the built-in baseline
vision.py     images -> tokens;  point_cloud.py  clouds -> tokens
model.py      tokens of both kinds -> the language model's losses and likelihoods
generate.py   answers, in batches
checkpoint.py a folder of config.json and safetensors, every key accounted for

Only config.py and encode.py can be imported without loading torch."""
