"""lamm-bench: the evaluation harness for multimodal language models, for images and point clouds."""

from .lamm.torchvision_shim import install as _install

__version__ = "0.1.0"

_install()  # before anything can import torchvision; a finder that costs nothing until then
