"""Demand: how much a reader has asked for, and everything that moves only against it.

General layout:

* ``_publisher``: the Reactive Streams roles ``Publisher``, ``Subscriber`` and ``Subscription``
* ``_demand``: the ledger of ``request(n)``
* ``_scheduler``: an RxPY scheduler whose queue moves against demand
* ``_gate``: open while every lossless log has room
* ``_log``: a bounded log of items with an overflow policy
* ``_inbox``: the hand-over from worker threads to the one thread that owns a run
* ``_lean``: observables and observers without RxPY's safety wrapping, for parts that keep the contract themselves
* ``_iterators``, ``_bridges``, ``_aiterables``: doors between iterators, async iterators, publishers and observables
"""

from ._aiterables import from_aiterable as from_aiterable
from ._bridges import from_iterable as from_iterable
from ._bridges import to_observable as to_observable
from ._bridges import to_publisher as to_publisher
from ._demand import UNBOUNDED as UNBOUNDED
from ._demand import Demand as Demand
from ._gate import Gate as Gate
from ._inbox import Inbox as Inbox
from ._iterators import to_aiterator as to_aiterator
from ._iterators import to_iterator as to_iterator
from ._log import DEFAULT_MAXLEN as DEFAULT_MAXLEN
from ._log import BoundedLog as BoundedLog
from ._log import Lagged as Lagged
from ._log import LogStatistics as LogStatistics
from ._log import Overflow as Overflow
from ._log import SlowConsumerError as SlowConsumerError
from ._publisher import Publisher as Publisher
from ._publisher import Subscriber as Subscriber
from ._publisher import Subscription as Subscription
from ._scheduler import RequestScheduler as RequestScheduler

__all__ = (
    "DEFAULT_MAXLEN",
    "UNBOUNDED",
    "BoundedLog",
    "Demand",
    "Gate",
    "Inbox",
    "Lagged",
    "LogStatistics",
    "Overflow",
    "Publisher",
    "RequestScheduler",
    "SlowConsumerError",
    "Subscriber",
    "Subscription",
    "from_aiterable",
    "from_iterable",
    "to_aiterator",
    "to_iterator",
    "to_observable",
    "to_publisher",
)
