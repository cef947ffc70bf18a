"""`python -m lamm_bench` is `lamm-bench`."""

from .cli import main

main()
