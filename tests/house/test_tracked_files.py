"""The repository names no registry and nobody's computer, and holds no generated files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house._source import ROOT

# The patterns are written so that they don't match their own source.
HOSTS = re.compile(
    r"pypi[.](org|python)|pythonhosted[.]org|registry[.]npmjs|anaconda[.]org|index[-_]url\b|find[-_]links|trusted[-_]host",
    re.IGNORECASE,
)
HOMES = re.compile(r"(?<![\w.~:])/(?:home|Users|root)/\w|\b[A-Z]:\\+Users\\", re.IGNORECASE)
LOCKS = re.compile(r"\.lock$|^pylock.*\.toml$|^package-lock\.json$|^pnpm-lock\.yaml$")


def tracked() -> list[Path]:
    """Files in the repository or on their way into it; every source file where there is no repository."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout.split("\0")
        paths = [ROOT / name for name in names if name]
    else:
        tops = ("rxgraph", "operators", "tests", "docs", "bench", "notebooks")
        paths = [path for top in tops for path in (ROOT / top).rglob("*")] + list(ROOT.glob("*"))
        paths = [path for path in paths if not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}]
    return [path for path in paths if path.is_file()]


def text(path: Path) -> str:
    """The content, or nothing if it isn't text."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number} has {found[0]!r}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def unstripped(notebook: str) -> bool:
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    return any(cell["outputs"] or cell["execution_count"] is not None for cell in cells)


def test_no_registry_host() -> None:
    """Where packages come from is the business of whoever installs them."""
    assert matches(HOSTS) == []


def test_no_absolute_home() -> None:
    assert matches(HOMES) == []


def test_no_lock_files() -> None:
    assert [path for path in tracked() if LOCKS.search(path.name)] == []


def test_notebooks_have_no_outputs() -> None:
    assert [path.name for path in tracked() if path.suffix == ".ipynb" and unstripped(text(path))] == []


def test_the_rules_see_this_file() -> None:
    assert Path(__file__).resolve() in tracked()


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        (HOSTS, "see https://" + "pypi" + ".org/project/x"),
        (HOSTS, "pip install --index" + "-url x"),
        (HOMES, "open('/" + "home/ann/x')"),
        (HOMES, "/" + "Users/ann"),
        (HOMES, "C:" + "\\Users\\ann"),
        (LOCKS, "uv.lock"),
    ],
)
def test_a_breach_is_found(pattern: re.Pattern[str], sample: str) -> None:
    assert pattern.search(sample)


@pytest.mark.parametrize("sample", ["https://example.org/home/page", "a/root/b", "~/x", "blockade"])
def test_ordinary_text_passes(sample: str) -> None:
    assert not any(pattern.search(sample) for pattern in (HOSTS, HOMES, LOCKS))


def test_outputs_are_found() -> None:
    cell = {"cell_type": "code", "outputs": [], "execution_count": None}
    assert not unstripped(json.dumps({"cells": [cell, {"cell_type": "markdown"}]}))
    assert unstripped(json.dumps({"cells": [cell | {"execution_count": 1}]}))
    assert unstripped(json.dumps({"cells": [cell | {"outputs": [{}]}]}))
