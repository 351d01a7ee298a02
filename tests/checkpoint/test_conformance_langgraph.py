"""LangGraph's own suite, on our savers: it calls the asynchronous methods only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


@checkpointer_test(name="memory")
async def memory() -> AsyncIterator[Any]:
    yield InMemorySaver()


@checkpointer_test(name="sqlite")
async def sqlite() -> AsyncIterator[Any]:
    with SqliteSaver.from_conn_string(":memory:") as saver:
        yield saver


@checkpointer_test(name="aiosqlite")
async def aiosqlite() -> AsyncIterator[Any]:
    async with AsyncSqliteSaver.from_conn_string(":memory:") as saver:
        yield saver


@pytest.mark.parametrize("registered", [memory, sqlite, aiosqlite], ids=lambda registered: registered.name)
async def test_the_saver_conforms_fully(registered: Any, capsys: pytest.CaptureFixture[str]) -> None:
    report = await validate(registered)
    report.print_report()
    printed = capsys.readouterr().out
    assert report.passed_all(), printed
    assert report.conformance_level() == "FULL", printed
    # All that the suite knows was tried; it passes over what it doesn't detect.
    assert len(report.results) == 8
    assert all(result.detected and result.tests_passed for result in report.results.values()), printed
