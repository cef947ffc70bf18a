"""Tasks, one file for each kind. A file that defines `TASKS` is found by its name; nothing is listed here."""
