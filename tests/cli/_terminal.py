"""The command line on a terminal of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli._command import PATIENCE, command, environment

if sys.platform != "win32":
    import pty


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Leave no process and no open pipe behind, whatever the test finds."""
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    # The process went away before it read everything.
                    continue


@contextmanager
def terminal(*args: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command on a terminal of its own; what it shows is read from the file descriptor."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm", COLUMNS="100", LINES="30")
    process = subprocess.Popen(
        command(*args), cwd=cwd, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, env=env, close_fds=True
    )
    os.close(theirs)
    try:
        with ending(process):
            yield process, ours
    finally:
        os.close(ours)


def screen(descriptor: int, mark: str = "") -> str:
    """Read what is shown, up to a mark or to the end, without its colours and cursor movements."""
    shown = b""
    while not mark or mark.encode() not in shown:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            # Linux reports the end of a terminal as an error.
            data = b""
        if not data:
            assert not mark, f"{mark!r} was never shown: {shown.decode()}"
            break
        shown += data
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
