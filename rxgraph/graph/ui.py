"""Parts of a user interface in a state: what a front end shows beside the messages of a run."""

from __future__ import annotations

from typing import Any, Literal
from uuid import uuid4

from typing_extensions import TypedDict

from ._messages_write import running_task, write_now


class UIMessage(TypedDict):
    """A component that a front end shows.

    Args:
        type: ``"ui"``.
        id: Of this component; a later message with the same id takes its place.
        name: Which component it is.
        props: What it is given.
        metadata: Facts about it, and whether its ``props`` are merged into those that are there (``merge``).
    """

    type: Literal["ui"]
    id: str
    name: str
    props: dict[str, Any]
    metadata: dict[str, Any]


class RemoveUIMessage(TypedDict):
    """Takes a component away.

    Args:
        type: ``"remove-ui"``.
        id: Of the component.
    """

    type: Literal["remove-ui"]
    id: str


AnyUIMessage = UIMessage | RemoveUIMessage
"""What a state of components takes."""


def push_ui_message(
    name: str,
    props: dict[str, Any],
    *,
    id: str | None = None,
    metadata: dict[str, Any] | None = None,
    message: Any = None,
    state_key: str | None = "ui",
    merge: bool = False,
) -> UIMessage:
    """Show a component from inside a node: it goes to the ``custom`` stream at once, and into the state.

    Args:
        name: Which component it is.
        props: What it is given.
        id: Of the component; by default a new one.
        metadata: Further facts about it.
        message: The chat message that it belongs to; its id is put into the metadata.
        state_key: Where it goes in the state; ``None`` leaves the state as it is.
        merge: Merge *props* into those of the component with this id, instead of replacing them.

    Returns:
        The message that was written.

    Raises:
        RuntimeError: No node is running in this context.
    """
    task = running_task("push_ui_message()")
    config = task.config
    facts = {key: config.get(source) for key, source in (("run_id", "run_id"), ("tags", "tags"), ("name", "run_name"))}
    shown: dict[str, Any] = {"merge": merge, **facts, **(metadata or {})}
    message_id = message.get("id") if isinstance(message, dict) else getattr(message, "id", None)
    if message_id:
        shown["message_id"] = message_id
    event: UIMessage = {"type": "ui", "id": id or str(uuid4()), "name": name, "props": props, "metadata": shown}
    task.writer(event)
    if state_key is not None:
        write_now(task, "push_ui_message()", state_key, event)
    return event


def delete_ui_message(id: str, *, state_key: str = "ui") -> RemoveUIMessage:
    """Take a component away from inside a node, in the ``custom`` stream and in the state.

    Returns:
        The message that was written.

    Raises:
        RuntimeError: No node is running in this context.
    """
    task = running_task("delete_ui_message()")
    event: RemoveUIMessage = {"type": "remove-ui", "id": id}
    task.writer(event)
    write_now(task, "delete_ui_message()", state_key, event)
    return event


def ui_message_reducer(
    left: list[AnyUIMessage] | AnyUIMessage, right: list[AnyUIMessage] | AnyUIMessage
) -> list[AnyUIMessage]:
    """Merge components by id: the reducer of a state's user interface.

    A component whose id is there already takes the place of the old one; with ``metadata["merge"]``, its props are
    added to the old ones. A removal takes it away.

    Raises:
        ValueError: A removal of what is not there.

    Example:
        >>> card = {"type": "ui", "id": "1", "name": "card", "props": {"title": "Oslo"}, "metadata": {}}
        >>> more = {**card, "props": {"degrees": 4}, "metadata": {"merge": True}}
        >>> ui_message_reducer([card], more)[0]["props"]
        {'title': 'Oslo', 'degrees': 4}
    """
    merged: list[Any] = left.copy() if isinstance(left, list) else [left]
    places = {message.get("id"): place for place, message in enumerate(merged)}
    removed = set()
    for message in right if isinstance(right, list) else [right]:
        name = message.get("id")
        place = places.get(name)
        if message.get("type") == "remove-ui":
            if place is None:
                raise ValueError(
                    f"Attempting to delete an UI message with an ID that doesn't exist ({name!r}): a removal takes out "
                    "a component of the state, or one that comes before it in the same update."
                )
            removed.add(name)
        elif place is None:
            places[name] = len(merged)
            merged.append(message)
        else:
            removed.discard(name)
            merged[place] = _over(merged[place], message)
    return [message for message in merged if message.get("id") not in removed]


def _over(old: Any, new: Any) -> Any:
    """Return what stands where *old* stood."""
    if not new.get("metadata", {}).get("merge", False):
        return new
    return {**new, "props": {**old["props"], **new["props"]}}


__all__ = (
    "AnyUIMessage",
    "RemoveUIMessage",
    "UIMessage",
    "delete_ui_message",
    "push_ui_message",
    "ui_message_reducer",
)
