"""Instruction dialogues in LAMM's format, constructed from annotations: C4 by templates, C1 to C3 with a language model (reference 4.1).

Sources give `Facts` (readers/, one file a form), kinds make dialogues of them, checks drop what cannot be stood by, and every stage
leaves a file that can be looked at (session.py). Upstream never released its method; what differs from the paper is in docs/dataset.md."""
