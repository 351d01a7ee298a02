"""numpy arrays as records; numpy is imported only where an array is met."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rxgraph.checkpoint.serde.errors import CorruptValueError, UnavailableTypeError

Record = tuple[str, tuple[int, ...], str, bytes]
"""Type of the elements, shape, ``"C"`` or ``"F"`` order, and the elements."""


def array_record(array: Any, refusal: type[Exception]) -> Record:
    """Take an array apart.

    Raises:
        Exception: Of the given class, for an array of Python objects: its memory is pointers.
    """
    if array.dtype.hasobject:
        raise refusal(
            f"an array of dtype {array.dtype} holds pointers, not values. Save array.tolist(), or give it a dtype."
        )
    if hasattr(array, "mask"):
        raise refusal("a masked array would lose its mask. Save array.data and array.mask, or array.filled(x).")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    return array.dtype.str, array.shape, order, array.tobytes(order)


def array_of(record: Any) -> Any:
    """Put an array together over the record's own bytes, so it is read-only.

    Raises:
        CorruptValueError: The parts don't fit.
        UnavailableTypeError: There is no numpy.
    """
    try:
        numpy: Any = import_module("numpy")
    except ImportError as error:
        raise UnavailableTypeError("numpy.ndarray") from error
    kind, shape, order, data = record
    dtype = numpy.dtype(str(kind))
    if dtype.hasobject or order not in ("C", "F"):
        raise CorruptValueError(f"Stored array has dtype {kind!r} and order {order!r}, which nobody writes.")
    flat = numpy.frombuffer(data, dtype=dtype) if data else numpy.empty(0, dtype)
    return flat.reshape(tuple(shape), order=order)


__all__ = ("array_of", "array_record")
