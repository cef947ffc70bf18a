"""Gets the benchmark's files from where they are published, from a mirror or from a folder: resumed, compared, safely unpacked.

LAMM's meta files lie on the Hugging Face hub, its media in archives elsewhere, some behind forms (sets.yaml). Nothing is fetched that
is there."""
