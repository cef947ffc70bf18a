"""What makes media worse on purpose, for curves of robustness: tables of `Corruption` by name, one for each kind of media.

`pictures.py` and `clouds.py` hold the tables with their constants; the other files hold what the tables call. Nothing is written and
nothing downloaded: a reference says what is done (`media.files.corrupt`), and whoever opens it is shown that."""

from .clouds import CLOUDS
from .pictures import FAMILIES, PICTURES

__all__ = ["CLOUDS", "FAMILIES", "PICTURES"]
