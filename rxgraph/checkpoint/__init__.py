"""State that survives: what a checkpoint is, how it becomes bytes, and who keeps it.

    base     the types, ids and rules that runs and savers share, and the class that savers derive from
    serde    values to bytes and back
    memory   keeps checkpoints as long as the process lives
    sqlite   keeps them in a file

A run never looks into a saver: it hands over checkpoints and pending writes, and asks for them by address.
"""

from __future__ import annotations
