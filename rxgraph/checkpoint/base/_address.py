"""Where a checkpoint stands, read from a configuration and written into one."""

from __future__ import annotations

from typing import Any, NamedTuple

from rxgraph.config import RunnableConfig


class Address(NamedTuple):
    """What a configuration says of a checkpoint.

    Args:
        thread: The history.
        ns: Place of the graph below the root, ``""`` for the root.
        id: The checkpoint, or ``None`` for the latest. For ``put`` it is the parent.
    """

    thread: str
    ns: str
    id: str | None

    @classmethod
    def of(cls, config: RunnableConfig) -> Address:
        """Read the address from a configuration.

        Raises:
            ValueError: There is no ``thread_id`` in it.
        """
        configurable: dict[str, Any] = config.get("configurable") or {}
        thread = configurable.get("thread_id")
        if thread is None:
            known = ", ".join(map(repr, sorted(configurable))) or "nothing"
            raise ValueError(
                f"config['configurable'] names no thread: expected a 'thread_id', got {known}. "
                "Pass config={'configurable': {'thread_id': ...}}."
            )
        return cls(str(thread), configurable.get("checkpoint_ns") or "", configurable.get("checkpoint_id") or None)

    def at(self, checkpoint_id: str) -> Address:
        """Return the address of another checkpoint of the same graph."""
        return Address(self.thread, self.ns, checkpoint_id)

    def existing(self, task_id: str) -> Address:
        """Return the address for the writes of a task.

        Raises:
            ValueError: It names no checkpoint for them to stand on.
        """
        if self.id is None:
            raise ValueError(
                f"put_writes() needs the checkpoint that task {task_id!r} runs on: "
                "expected a 'checkpoint_id' in config['configurable']. Use the config that put() returned."
            )
        return self

    def config(self) -> RunnableConfig:
        """Return a configuration that says the same."""
        return {"configurable": {"thread_id": self.thread, "checkpoint_ns": self.ns, "checkpoint_id": self.id}}


def get_checkpoint_id(config: RunnableConfig) -> str | None:
    """Return the checkpoint that a configuration names, if it names one."""
    found: str | None = (config.get("configurable") or {}).get("checkpoint_id")
    return found


__all__ = ("Address", "get_checkpoint_id")
