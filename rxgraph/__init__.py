"""rxgraph: stateful graphs whose every run is a reactive stream.

General layout, from the ground up (imports point down only):

* ``types errors constants typing config runtime warnings``: values and words that everything shares
* ``channels``: the cells of a state, one class a file
* ``flow``: demand, bounded logs, the request-n scheduler, and bridges to RxPY and iterators
* ``operators``: operators for any observable
* ``checkpoint``: savers of threads, and the serializer
* ``stream``: the events of a run: parts, the mux, readers
* ``pregel``: the engine (pure), its two lanes, and the face of a compiled graph
* ``graph``: ``StateGraph``, schemas, branches
* ``managed testing cli``: managed values; tools for tests; the command line
"""

from rxgraph.version import __version__ as __version__

__all__ = ("__version__",)
