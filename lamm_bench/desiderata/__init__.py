"""ChEF's desiderata: what a model should be beside accurate. `legs.py` says what is asked for them, `figures.py` what is made of it."""
