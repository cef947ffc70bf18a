"""Model families, one file each. A file that defines `ADAPTERS` is found by its name; nothing is listed here."""
