"""What both lanes ask of a saver, in its two colours; and the driver of what is done to a thread between runs."""

from __future__ import annotations

from collections.abc import Generator
from contextvars import copy_context
from typing import Any

from rxgraph._context import CURRENT

from .._effects import Effect, Load, Route, Save
from .._lineage import Lineage
from .._superstep import SaveWrites

Question = Load | Save | SaveWrites


def ask(lineage: Lineage, question: Question) -> Any:
    """Call the saver."""
    saver = lineage.saver
    if isinstance(question, Load):
        return saver.get_tuple(question.config)
    if isinstance(question, Save):
        return saver.put(*question)
    return saver.put_writes(*(question if lineage.takes_paths else question[:3]))


async def aask(lineage: Lineage, question: Question) -> Any:
    """Await the saver."""
    saver = lineage.saver
    if isinstance(question, Load):
        return await saver.aget_tuple(question.config)
    if isinstance(question, Save):
        return await saver.aput(*question)
    return await saver.aput_writes(*(question if lineage.takes_paths else question[:3]))


def settle(lineage: Lineage, effects: Generator[Effect, Any, Any]) -> Any:
    """Perform the effects of an operation on a thread, and return what it returns."""
    try:
        effect = next(effects)
        while True:
            if isinstance(effect, Route):
                copy_context().run(_route, effect)
                effect = effects.send(None)
            else:
                effect = effects.send(ask(lineage, _question(effect)))
    except StopIteration as stop:
        return stop.value
    finally:
        effects.close()


async def asettle(lineage: Lineage, effects: Generator[Effect, Any, Any]) -> Any:
    """Perform the effects of an operation on a thread on the event loop, and return what it returns."""
    try:
        effect = next(effects)
        while True:
            if isinstance(effect, Route):
                await _aroute(effect)
                effect = effects.send(None)
            else:
                effect = effects.send(await aask(lineage, _question(effect)))
    except StopIteration as stop:
        return stop.value
    finally:
        effects.close()


def _question(effect: Effect) -> Question:
    assert isinstance(effect, Load | Save | SaveWrites)
    return effect


def _route(effect: Route) -> None:
    task, router, output = effect
    CURRENT.set(task)
    router.write(router.body.run(router.read(task, output), task), task)


async def _aroute(effect: Route) -> None:
    task, router, output = effect
    if router.body.asynchronous is None:
        copy_context().run(_route, effect)
        return
    token = CURRENT.set(task)
    try:
        router.write(await router.body.asynchronous(router.read(task, output), task), task)
    finally:
        CURRENT.reset(token)


__all__ = ("aask", "asettle", "ask", "settle")
