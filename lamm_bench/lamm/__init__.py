"""The LAMM model (Yin et al. 2023): frozen encoder, one linear projection, a LLaMA-architecture language model with LoRA.

encode.py     messages -> pieces -> tokens and labels: the one road of training and evaluation
config.py     what a checkpoint's config.json says
tokenizer.py  the byte-level tokenizer of the built-in baseline
images.py     both image transforms, with Pillow
vision.py     images -> tokens;  point_cloud.py  clouds -> tokens
model.py      tokens of both kinds -> the language model's losses and likelihoods;  attention.py  its attention
generate.py   answers, in batches;  features.py  encoded media, kept;  ask.py  requests -> responses with all of these
checkpoint.py a folder of config.json and safetensors, every key accounted for

Only config.py, encode.py and images.py can be imported without loading torch."""
