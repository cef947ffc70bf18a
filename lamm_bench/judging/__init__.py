"""Metrics that ask a model about answers. A judge is an adapter like any other; its flows are driven like any other.

wording.py    what a judge is asked, and how its verdict is read
truth.py      the ground truth and the answer as a judge sees them
cases.py      the answers of a run (or of two) that are to be judged
rating.py     one answer, five aspects from 1 to 10, several votes
ranking.py    two answers, which is better; LAMM's mix of nine data sets
verdicts.py   asks, and keeps every verdict so that it can be replayed
agreement.py  with the deterministic metric, and between judges
session.py    a whole judgement, kept in `judgements/` of the run
show.py       tables"""
