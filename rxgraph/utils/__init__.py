"""Old places of names, kept importable."""

__all__ = ()
