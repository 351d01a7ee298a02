"""The events of a run: parts, the mux that numbers and multicasts them, projections, and the handles of runs."""

from ._branch import AsyncBranch as AsyncBranch
from ._branch import Branch as Branch
from ._channel import ChannelStatistics as ChannelStatistics
from ._channel import StreamChannel as StreamChannel
from ._events import ProtocolEvent as ProtocolEvent
from ._feed import ChainTransformer as ChainTransformer
from ._mux import StreamMux as StreamMux
from ._parts import Parts as Parts
from ._pumps import Pump as Pump
from ._reader import ReaderStatistics as ReaderStatistics
from ._shapes import projection as projection
from ._transformer import StreamTransformer as StreamTransformer
from .run_stream import AsyncGraphRunStream as AsyncGraphRunStream
from .run_stream import AsyncSubgraphRunStream as AsyncSubgraphRunStream
from .run_stream import EventCursor as EventCursor
from .run_stream import GraphRunStream as GraphRunStream
from .run_stream import RunStatistics as RunStatistics
from .run_stream import SubgraphRunStream as SubgraphRunStream
from .transformers import CheckpointsTransformer as CheckpointsTransformer
from .transformers import CustomTransformer as CustomTransformer
from .transformers import DebugTransformer as DebugTransformer
from .transformers import LifecyclePayload as LifecyclePayload
from .transformers import LifecycleTransformer as LifecycleTransformer
from .transformers import SubgraphStatus as SubgraphStatus
from .transformers import SubgraphTransformer as SubgraphTransformer
from .transformers import TasksTransformer as TasksTransformer
from .transformers import UpdatesTransformer as UpdatesTransformer
from .transformers import ValuesTransformer as ValuesTransformer

__all__ = (
    "AsyncBranch",
    "AsyncGraphRunStream",
    "AsyncSubgraphRunStream",
    "Branch",
    "ChainTransformer",
    "ChannelStatistics",
    "CheckpointsTransformer",
    "CustomTransformer",
    "DebugTransformer",
    "EventCursor",
    "GraphRunStream",
    "LifecyclePayload",
    "LifecycleTransformer",
    "Parts",
    "ProtocolEvent",
    "Pump",
    "ReaderStatistics",
    "RunStatistics",
    "StreamChannel",
    "StreamMux",
    "StreamTransformer",
    "SubgraphRunStream",
    "SubgraphStatus",
    "SubgraphTransformer",
    "TasksTransformer",
    "UpdatesTransformer",
    "ValuesTransformer",
    "projection",
)
