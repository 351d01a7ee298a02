"""Workflows as functions: ``@entrypoint`` makes one, and ``@task`` makes what it calls survive a restart."""

from ._entrypoint import entrypoint as entrypoint
from ._task import task as task

__all__ = ("entrypoint", "task")
