"""The version, apart from the package's face so that nobody below has to import it."""

__version__ = "0.1.0"
