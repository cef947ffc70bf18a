"""`python -m lamm_bench` is `lamm-bench`."""

from .cli.group import main

main()
