"""Namespaces: which are legal, and which match a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rxgraph.store.base._ops import GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp


class InvalidNamespaceError(ValueError):
    """A namespace, or a pattern of one, that no store can keep."""


def check_labels(namespace: Sequence[str]) -> None:
    """Check the labels of a namespace or a pattern; there may be none of them.

    Raises:
        InvalidNamespaceError: It is no tuple of non-empty text without dots and NUL.
    """
    if not isinstance(namespace, tuple):
        raise InvalidNamespaceError(f"Namespace must be a tuple of labels, got {namespace!r}. Write ('a', 'b').")
    for label in namespace:
        if not isinstance(label, str):
            raise InvalidNamespaceError(f"Namespace label must be a string, got {label!r} in {namespace!r}.")
        if not label:
            raise InvalidNamespaceError(f"Namespace label must not be empty, got {namespace!r}.")
        if "." in label or "\0" in label:
            raise InvalidNamespaceError(
                f"Namespace label must have no '.' and no NUL, got {label!r} in {namespace!r}. "
                "Dots join the labels in databases."
            )


def check_writable(namespace: Sequence[str]) -> None:
    """Check a namespace that is about to be put to; the root label ``langgraph`` is the runtime's own.

    Raises:
        InvalidNamespaceError: It is empty, or not a user's to write to.
    """
    check_labels(namespace)
    if not namespace:
        raise InvalidNamespaceError("Namespace must have at least one label to put to, got ().")
    if namespace[0] == "langgraph":
        raise InvalidNamespaceError(f"Root label 'langgraph' is reserved, got {namespace!r}. Choose another one.")


def validate_op_namespace(op: Op) -> None:
    """Check the namespaces of an operation, as ``batch`` does with each.

    Raises:
        InvalidNamespaceError: One is illegal.
        ValueError: A pattern is laid against an end that isn't ``"prefix"`` or ``"suffix"``.
    """
    if isinstance(op, GetOp | PutOp):
        check_labels(op.namespace)
        if isinstance(op, PutOp) and not op.namespace:
            raise InvalidNamespaceError("Namespace must have at least one label to put to, got ().")
    elif isinstance(op, SearchOp):
        check_labels(op.namespace_prefix)
    elif isinstance(op, ListNamespacesOp):
        for condition in op.match_conditions or ():
            if condition.match_type not in ("prefix", "suffix"):
                raise ValueError(f"Match type must be 'prefix' or 'suffix', got {condition.match_type!r}.")
            check_labels(condition.path)


def starts_with(namespace: Sequence[str], prefix: Sequence[str]) -> bool:
    """Whether a namespace is the other or below it; no wildcards."""
    return namespace[: len(prefix)] == prefix


def listing(namespaces: Iterable[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    """Return the part of the namespaces that the operation asks for."""
    conditions = op.match_conditions or ()
    found = {
        namespace if op.max_depth is None else namespace[: op.max_depth]
        for namespace in namespaces
        if not conditions or all(_matches(namespace, condition) for condition in conditions)
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(namespace: tuple[str, ...], condition: MatchCondition) -> bool:
    length = len(condition.path)
    if length > len(namespace):
        return False
    part = namespace[:length] if condition.match_type == "prefix" else namespace[len(namespace) - length :]
    return all(wanted in ("*", label) for wanted, label in zip(condition.path, part, strict=True))


__all__ = (
    "InvalidNamespaceError",
    "check_labels",
    "check_writable",
    "listing",
    "starts_with",
    "validate_op_namespace",
)
