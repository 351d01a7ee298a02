"""Pictures of graphs: made here, without a network.

Imported when a picture is asked for, not with ``rxgraph.graph``.
"""

from ._drawing import Drawing as Drawing
from ._model import CurveStyle as CurveStyle
from ._model import Edge as Edge
from ._model import Node as Node
from ._model import NodeStyles as NodeStyles

__all__ = ("CurveStyle", "Drawing", "Edge", "Node", "NodeStyles")
