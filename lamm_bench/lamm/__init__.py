"""The LAMM model (Yin et al. 2023): frozen encoder, one linear projection, a causal language model with LoRA.

encode.py     messages -> pieces -> tokens and labels: the one road of training and evaluation
layouts.py    how a conversation is written down, as data;  chat.py  the layout of a tokenizer's own template
config.py     what a checkpoint's config.json says
llm.py        language models: the built-in baseline's, any of transformers;  digests.py  sha256 of files, remembered
tokenizer.py  the byte-level tokenizer of the built-in baseline;  hub_tokenizer.py  any of transformers
images.py     both image transforms, with Pillow
vision.py     images -> tokens;  point_cloud.py  clouds -> tokens: the miniature's own encoders
clip.py       CLIP's image tower;  tower.py  any other;  clip_keys.py  both spellings of CLIP's weights
epcl.py       EPCL for clouds;  points.py  sampling, balls, set abstraction;  epcl_keys.py  upstream's .pth
encoder_configs.py  what config.json says of these;  frozen.py  what they share
weights.py    encoder weights from a file, a folder or a hub id;  outside.py  those that a checkpoint only names
model.py      tokens of both kinds -> the language model's losses and likelihoods;  attention.py  its attention
plan.py       which rows go together, behind which common beginning;  shared_attention.py  attention behind one copy of it
context.py    what a batch was told so far;  generate.py  answers token by token;  weigh.py  likelihoods of options
see.py        media encoded once;  features.py  where they are kept;  memory.py  when it runs out;  spread.py  several devices
ask.py        requests -> responses with all of these
checkpoint.py a folder of config.json and safetensors, every key accounted for;  compatible.py  what fits badly, in words
upstream.py   upstream's pytorch_model.pt, there and back;  inspection.py  a look inside;  merge.py  LoRA folded in

Only config.py, encoder_configs.py, layouts.py, chat.py, encode.py, plan.py and images.py can be imported without loading torch."""
