"""Data: download, verify, and the miniature benchmark that is drawn on the spot."""
