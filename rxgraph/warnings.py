"""Warnings of rxgraph; ``warnings.simplefilter("error", RxGraphWarning)`` turns all of them into errors."""

from __future__ import annotations


class RxGraphWarning(UserWarning):
    """Base of every warning that rxgraph gives."""


class UnknownStateKeyWarning(RxGraphWarning):
    """An update or an input named a key that the state does not have; the value was dropped."""


class UnknownTargetWarning(RxGraphWarning):
    """A branch, a ``Command`` or a ``Send`` named a node that the graph does not have; nothing was scheduled."""


class UnreachableNodeWarning(RxGraphWarning):
    """No edge, branch or declared destination leads to a node."""


class InputIgnoredWarning(RxGraphWarning):
    """A run was entered again by its ``run_id``, so its new input was left aside."""


class NoSaverWarning(RxGraphWarning):
    """An option of saved runs was given to a graph that has no checkpointer."""


class UnpacedWriterWarning(RxGraphWarning):
    """An async node wrote custom events faster than their reader took them, without awaiting the writer."""


class LangGraphDeprecationWarning(DeprecationWarning):
    """A spelling that LangGraph has retired and rxgraph still takes, so that programs carry over.

    Args:
        message: What to use instead.
        since: Version of LangGraph that has retired it.
        expected_removal: Version that will not have it any more; by default the next major one.
    """

    def __init__(
        self,
        message: str,
        *args: object,
        since: tuple[int, int] = (1, 0),
        expected_removal: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message, *args)
        self.message = message.rstrip(".")
        self.since = since
        self.expected_removal = expected_removal or (since[0] + 1, 0)


class LangGraphDeprecatedSinceV05(LangGraphDeprecationWarning):
    """Retired in LangGraph 0.5."""

    def __init__(self, message: str, *args: object) -> None:
        super().__init__(message, *args, since=(0, 5), expected_removal=(2, 0))


class LangGraphDeprecatedSinceV10(LangGraphDeprecationWarning):
    """Retired in LangGraph 1.0."""

    def __init__(self, message: str, *args: object) -> None:
        super().__init__(message, *args, since=(1, 0), expected_removal=(2, 0))


class LangGraphDeprecatedSinceV11(LangGraphDeprecationWarning):
    """Retired in LangGraph 1.1."""

    def __init__(self, message: str, *args: object) -> None:
        super().__init__(message, *args, since=(1, 1), expected_removal=(3, 0))


__all__ = (
    "InputIgnoredWarning",
    "LangGraphDeprecatedSinceV05",
    "LangGraphDeprecatedSinceV10",
    "LangGraphDeprecatedSinceV11",
    "LangGraphDeprecationWarning",
    "NoSaverWarning",
    "RxGraphWarning",
    "UnknownStateKeyWarning",
    "UnknownTargetWarning",
    "UnpacedWriterWarning",
    "UnreachableNodeWarning",
)
