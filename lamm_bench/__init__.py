"""lamm-bench: the evaluation harness for multimodal language models, for images and point clouds."""

__version__ = "0.1.0"
