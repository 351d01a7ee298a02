"""Examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.house._source import modules

WITH_EXAMPLES = sorted(name for name, module in modules().items() if ">>> " in module.source)


def test_some_docstrings_have_examples() -> None:
    assert len(WITH_EXAMPLES) >= 3


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
