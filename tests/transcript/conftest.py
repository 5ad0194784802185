"""The tests of this folder run against each kind of store."""

from store.kinds import subject

__all__ = ["subject"]
