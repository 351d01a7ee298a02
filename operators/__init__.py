"""Operators for any observable: ``from rxgraph import operators as ops``, then ``source.pipe(ops.map(f), ...)``.

Choosing
    filter     keep what passes a test
    mode       keep stream parts of some modes
    take       the first n
Changing
    map        apply a function to each item
    scan       fold, and show each intermediate result
Composing
    pipe       several operators as one
"""

if __name__ != "rxgraph.operators":
    raise ImportError("Import the operator library as: from rxgraph import operators as ops")

from ._filter import filter as filter
from ._map import map as map
from ._mode import mode as mode
from ._pipe import pipe as pipe
from ._scan import scan as scan
from ._take import take as take

__all__ = ("filter", "map", "mode", "pipe", "scan", "take")
