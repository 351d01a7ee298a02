"""Ids that are computed rather than drawn, so that another process or another runtime finds the same ones.

A task that comes back after a crash or an interrupt is recognised by its id: from the same checkpoint, the same node
with the same triggers at the same step has the id that it had before, and its stored writes are its own.
The hash of 128 bits is cut into the shape of a UUID, but is none: version and variant are whatever comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache


def task_id(checkpoint_id: str, ns: str, step: int, name: str, kind: str, *rest: str, v: int = 4) -> str:
    """Return the id of a task.

    Args:
        checkpoint_id: The checkpoint that the superstep starts from.
        ns: Namespace of the graph; of the calling task for a functional call, of the failed task for an error handler.
        step: Number of the superstep: one more than the step in the checkpoint's metadata.
        name: The node.
        kind: ``PULL`` or ``PUSH`` of ``rxgraph.constants``.
        rest: What tells tasks of that node apart: the sorted triggers of a pulled node; the index of a ``Send``; the
            caller's path string and the index of a functional call; ``"node_error_handler"`` and the failed task's id.
        v: Version of the checkpoint's format; the first one hashed differently.
    """
    parts = f"{ns}|{name}" if ns else name
    data = bytes.fromhex(checkpoint_id.replace("-", "")) + f"{parts}{step}{name}{kind}{''.join(rest)}".encode()
    return _cut(_xxh3()(data) if v > 1 else _sha1(data))


def interrupt_id(ns: str, answers: int) -> str:
    """Return the id of a question.

    Args:
        ns: Namespace of the task that asks it, with its task id.
        answers: How many questions of the task have their answers already.
    """
    return _xxh3()((f"{ns}|{answers}" if answers else ns).encode())


def path_string(path: object) -> str:
    """Return the path of a task as savers keep it: text that sorts as the path does.

    Example:
        >>> path_string(("__pregel_push", 1, False))
        '~__pregel_push, 0000000001, 0000000000'
    """
    if isinstance(path, str):
        return path
    # That of a node, which is most of them.
    if type(path) is tuple and len(path) == 2 and type(path[0]) is type(path[1]) is str:
        return f"~{path[0]}, {path[1]}"
    if isinstance(path, tuple | list):
        return f"~{', '.join(map(path_string, path))}"
    return f"{path:010d}" if isinstance(path, int) else str(path)


def update_task_id(checkpoint_id: str, index: int = 0) -> str:
    """Return the id for the writes of an ``update_state`` that stands for no task of the checkpoint.

    Args:
        checkpoint_id: The checkpoint that is updated.
        index: Which update of a bulk it is.
    """
    return _uuid5(checkpoint_id, f"__interrupt__:{index}" if index else "__interrupt__")


def delta_input_task_id(checkpoint_id: str) -> str:
    """Return the id under which input for delta channels is kept on a checkpoint."""
    return _uuid5(checkpoint_id, "__input__")


def writes_sort_key(task_path: str, task_id: str = "", idx: int = 0) -> tuple[str, str, int]:
    """Return what the pending writes of a checkpoint are sorted by."""
    return task_path, task_id, idx


@cache
def _xxh3() -> Callable[[bytes], str]:
    # A program without a saver needs no hash.
    from xxhash import xxh3_128_hexdigest

    return xxh3_128_hexdigest


def _cut(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _sha1(data: bytes) -> str:
    from hashlib import sha1

    return sha1(data, usedforsecurity=False).hexdigest()


def _uuid5(checkpoint_id: str, name: str) -> str:
    from uuid import UUID, uuid5

    return str(uuid5(UUID(checkpoint_id), name))


__all__ = (
    "delta_input_task_id",
    "interrupt_id",
    "path_string",
    "task_id",
    "update_task_id",
    "writes_sort_key",
)
