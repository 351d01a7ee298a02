"""``rxgraph demo`` as a user starts it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli._command import rxgraph


def test_the_demo_audits_the_running_environment(tmp_path: Path) -> None:
    done = rxgraph("demo", "--output", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"Report: {Path('out', 'report.md')}, {Path('out', 'report.json')}" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {"rxgraph-runtime", "reactivex", "typer"} <= {package["name"] for package in report["packages"]}
    assert report["summary"]["files"] > 100
    assert "# Audit of a Python environment" in (tmp_path / "out" / "report.md").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_report_does_not_end_up_in_a_repository(tmp_path: Path) -> None:
    """A folder that the demo made ignores itself; one that was there is left as it was."""
    rxgraph("demo", "--only", "typer", cwd=tmp_path)
    assert (tmp_path / "rxgraph-report" / ".gitignore").read_text() == "*\n"
    (tmp_path / "mine").mkdir()
    rxgraph("demo", "--only", "typer", "-o", "mine", cwd=tmp_path)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["report.json", "report.md"]


def test_only_some_packages(tmp_path: Path) -> None:
    done = rxgraph("demo", "--only", "Typing_Extensions", "--only", "typer", cwd=tmp_path)
    assert "Packages  2, " in done.stdout


def test_a_package_that_is_not_there(tmp_path: Path) -> None:
    done = rxgraph("demo", "--only", "tiper", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --only names 'tiper', which is not installed. Did you mean 'typer'?" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = rxgraph("demo", "-o", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --output 'file' can't be written to" in done.stderr


def test_fail_on_findings(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "lonely-1.0.dist-info").mkdir(parents=True)
    (site / "lonely-1.0.dist-info" / "METADATA").write_text("Name: lonely\nVersion: 1.0\nRequires-Dist: no-such\n")
    args = ("demo", "--only", "lonely", "-o", "out")
    assert rxgraph(*args, cwd=tmp_path, PYTHONPATH=str(site)).returncode == 0
    done = rxgraph(*args, "--fail-on", "warning", cwd=tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 1
    assert "unmet-requirement" in done.stdout
    assert rxgraph("demo", "--fail-on", "errors", cwd=tmp_path).returncode == 2
