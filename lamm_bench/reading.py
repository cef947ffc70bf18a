"""The readers under the name that plug-ins know; they live in `lamm_bench.read`."""

from .read import *  # noqa: F403
from .read import __all__ as __all__
