"""The audit: every kind of damage becomes a finding, and no damage stops the audit."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rxgraph.cli.audit import Finding, graph, in_order


def hashed(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Site:
    """A folder of installed distributions, made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def install(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: Sequence[str] = (),
        headers: Sequence[str] = ("License-Expression: MIT",),
        files: Mapping[str, bytes] | None = None,
        more: Mapping[str, str] | None = None,
        record: bool = True,
    ) -> Path:
        """Install a distribution of one module, and return its metadata folder."""
        info = self.folder / f"{name}-{version}.dist-info"
        info.mkdir()
        content = {f"{name}.py": b"x = 1\n"} if files is None else files
        for path, data in content.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)
        lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *headers]
        (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires), ""]))
        for path, text in (more or {}).items():
            (info / path).write_text(text)
        if record:
            rows = [f"{path},{hashed(data)},{len(data)}" for path, data in content.items()]
            rows.append(f"{info.name}/RECORD,,")
            (info / "RECORD").write_text("\n".join(rows) + "\n")
        return info

    def audit(self, *others: Path, **more: Any) -> dict[str, Any]:
        return graph.invoke({"path": [str(self.folder), *map(str, others)], **more})

    def found(self, *others: Path) -> list[Finding]:
        return in_order(self.audit(*others)["findings"])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def short(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.package, finding.rule) for finding in findings]


def test_a_sound_environment_has_no_findings(site: Site) -> None:
    site.install("app", requires=["lib>=1", "other; python_version < '3'", "extra-thing; extra == 'more'"])
    site.install("lib", "1.2")
    result = site.audit()
    assert result["findings"] == []
    assert result["summary"].packages == 2
    assert result["summary"].files == 2
    assert result["summary"].licences == [("MIT", 2)]
    assert result["relations"].needs == {"app": ["lib"], "lib": []}
    assert (result["relations"].roots, result["relations"].leaves) == (["app"], ["lib"])


def test_nothing_installed(site: Site, tmp_path: Path) -> None:
    result = site.audit(output=str(tmp_path / "out"))
    assert result["summary"].packages == 0
    assert "| Packages | 0 |" in (tmp_path / "out" / "report.md").read_text("utf-8")


def test_a_tampered_file(site: Site) -> None:
    site.install("lib")
    (site.folder / "lib.py").write_bytes(b"x = 2\n")
    (finding,) = site.found()
    assert short([finding]) == [("error", "lib", "changed-file")]
    assert (finding.expected, finding.got) == (hashed(b"x = 1\n"), hashed(b"x = 2\n"))
    assert finding.message == "lib.py was changed."
    assert finding.action == "Reinstall lib."


def test_a_file_of_another_size(site: Site) -> None:
    site.install("lib")
    (site.folder / "lib.py").write_bytes(b"")
    (finding,) = site.found()
    assert (finding.rule, finding.expected, finding.got) == ("changed-file", "6 bytes", "0 bytes")


def test_a_missing_file(site: Site) -> None:
    site.install("lib")
    (site.folder / "lib.py").unlink()
    (finding,) = site.found()
    assert short([finding]) == [("error", "lib", "missing-file")]


def test_compiled_files_come_and_go(site: Site) -> None:
    info = site.install("lib", files={"lib/__init__.py": b""})
    with (info / "RECORD").open("a") as record:
        record.write("lib/__pycache__/__init__.cpython-311.pyc,,\n")
    assert site.found() == []


def test_many_missing_files_are_counted(site: Site) -> None:
    site.install("lib", files={f"lib/m{n}.py": b"" for n in range(9)})
    for n in range(9):
        (site.folder / f"lib/m{n}.py").unlink()
    findings = site.found()
    assert len(findings) == 6
    assert "4 more files like these." in {finding.message for finding in findings}


def test_a_file_that_nobody_recorded(site: Site) -> None:
    site.install("lib", files={"lib/__init__.py": b""})
    (site.folder / "lib" / "planted.py").write_text("")
    (finding,) = site.found()
    assert short([finding]) == [("warning", "lib", "unrecorded-file")]
    assert finding.message == "lib/planted.py is not in RECORD."


def test_a_folder_that_is_shared_holds_no_surprises(site: Site) -> None:
    site.install("one", files={"space/one.py": b""})
    site.install("two", files={"space/two.py": b""})
    assert site.found() == []


def test_a_file_without_a_hash(site: Site) -> None:
    info = site.install("lib")
    (info / "RECORD").write_text(f"lib.py,,\n{info.name}/RECORD,,\n")
    assert short(site.found()) == [("note", "lib", "unhashed-file")]


def test_a_hash_of_an_unknown_kind(site: Site) -> None:
    info = site.install("lib")
    (info / "RECORD").write_text("lib.py,crc7=abc,6\n")
    assert short(site.found()) == [("note", "lib", "unknown-hash")]


def test_no_record(site: Site) -> None:
    site.install("lib", record=False)
    assert short(site.found()) == [("note", "lib", "no-record")]


@pytest.mark.parametrize(
    ("requires", "rule", "expected", "got"),
    [
        ("missing>=2", "unmet-requirement", "missing>=2", "not installed"),
        ("lib>=2; python_version > '3'", "version-conflict", "lib>=2", "lib 1.2"),
        ("Lib<1.2", "version-conflict", "Lib<1.2", "lib 1.2"),
    ],
)
def test_a_requirement_that_is_not_met(site: Site, requires: str, rule: str, expected: str, got: str) -> None:
    site.install("app", requires=[requires])
    site.install("lib", "1.2")
    (finding,) = site.found()
    assert short([finding]) == [("error", "app", rule)]
    assert (finding.expected, finding.got) == (expected, got)


def test_a_prerelease_meets_a_requirement(site: Site) -> None:
    site.install("app", requires=["lib>=1.1"])
    site.install("lib", "1.2rc1")
    assert site.found() == []


def test_the_requirements_of_an_extra_count_when_somebody_wants_it(site: Site) -> None:
    site.install("app", requires=["lib[More_Speed]"])
    site.install("lib", requires=["lib[deep]; extra == 'more-speed'", "gone; extra == 'deep'", "never; extra == 'x'"])
    (finding,) = site.found()
    assert short([finding]) == [("error", "lib", "unmet-requirement")]
    assert finding.expected == "gone"


def test_an_invalid_requirement(site: Site) -> None:
    site.install("app", requires=["lib >>> 2"])
    assert short(site.found()) == [("warning", "app", "invalid-requirement")]


def test_a_version_that_is_none(site: Site) -> None:
    site.install("app", requires=["lib>1"])
    site.install("lib", "next")
    assert ("warning", "app", "invalid-version") in short(site.found())


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ([], "unknown-licence"),
        (["License: UNKNOWN"], "unknown-licence"),
        (["Classifier: License :: OSI Approved"], "unknown-licence"),
        (["License-Expression: GPL-3.0-or-later"], "copyleft"),
        (["License-Expression: MPL-2.0 AND (Apache-2.0 OR MIT)"], "copyleft"),
        (["License-Expression: GPL-2.0-only OR MIT"], None),
        (["License: GPL v2 or later"], "copyleft"),
        (["License: BSD"], None),
        (["Classifier: License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)"], "copyleft"),
        (["Classifier: License :: OSI Approved :: BSD License"], None),
    ],
)
def test_licences(site: Site, headers: list[str], rule: str | None) -> None:
    site.install("lib", headers=headers)
    assert short(site.found()) == ([] if rule is None else [("note", "lib", rule)])


def test_a_licence_text_is_not_a_name(site: Site) -> None:
    site.install("lib", headers=["License: " + "Permission is hereby granted " * 20])
    (package,) = site.audit()["packages"]
    assert len(package.licence) == 80


@pytest.mark.parametrize(
    ("wanted", "rule"), [("<3", "python-version"), (">=3.11", None), ("three", "invalid-metadata")]
)
def test_another_python(site: Site, wanted: str, rule: str | None) -> None:
    site.install("lib", headers=["License-Expression: MIT", f"Requires-Python: {wanted}"])
    assert [finding.rule for finding in site.found()] == ([] if rule is None else [rule])


def test_an_editable_install_and_its_source_tree_are_one(site: Site, tmp_path: Path) -> None:
    site.install("lib", more={"direct_url.json": '{"url": "file:///x", "dir_info": {"editable": true}}'})
    tree = tmp_path / "tree" / "lib.egg-info"
    tree.mkdir(parents=True)
    (tree / "PKG-INFO").write_text("Name: lib\nVersion: 1.0\nLicense: MIT\n")
    assert short(site.found(tree.parent)) == [("note", "lib", "editable"), ("note", "lib", "no-record")]


def test_two_versions_of_one_distribution(site: Site, tmp_path: Path) -> None:
    site.install("Lib", "1.0")
    other = Site(tmp_path / "other")
    other.install("lib", "2.0")
    (finding,) = site.found(other.folder)
    assert short([finding]) == [("warning", "lib", "duplicate")]
    assert finding.expected == "one version, 1.0"
    assert finding.got == f"also 2.0 in {other.folder}"


def test_a_folder_that_is_on_the_path_twice_counts_once(site: Site) -> None:
    site.install("lib")
    assert site.found(site.folder) == []


def test_a_cycle(site: Site) -> None:
    site.install("a", requires=["b"])
    site.install("b", requires=["c"])
    site.install("c", requires=["a", "d"])
    site.install("d")
    result = site.audit()
    assert result["relations"].cycles == [["a", "b", "c"]]
    assert short(result["findings"]) == [("note", "a", "cycle")]


def test_what_an_interrupted_uninstall_left(site: Site) -> None:
    site.install("lib").rename(site.folder / "~ib-1.0.dist-info")
    (finding,) = site.found()
    assert (finding.rule, finding.message) == ("broken-metadata", "It is what an interrupted uninstall left behind.")


@pytest.mark.parametrize(
    "content",
    [None, b"", b"Name: broken\n", b"Metadata-Version: 2.1\n\n\x00", b"Name: \xff\xfe\nVersion: 1\n"],
    ids=["no file", "empty", "no version", "no headers", "not UTF-8"],
)
def test_broken_metadata_is_a_finding_and_the_others_are_audited(site: Site, content: bytes | None) -> None:
    info = site.install("broken")
    (info / "METADATA").unlink()
    if content is not None:
        (info / "METADATA").write_bytes(content)
    site.install("lib")
    (site.folder / "lib.py").unlink()
    assert short(site.found()) == [("error", "broken", "broken-metadata"), ("error", "lib", "missing-file")]


def test_a_check_that_fails_is_a_finding_and_the_others_are_done(site: Site) -> None:
    info = site.install("lib", requires=["gone"])
    (info / "RECORD").write_bytes(b"\xff\xfe,,\n")
    assert short(site.found()) == [("error", "lib", "failed-check"), ("error", "lib", "unmet-requirement")]


def test_a_broken_origin_stops_nothing(site: Site) -> None:
    site.install("lib", more={"direct_url.json": "{"})
    assert site.found() == []


def test_only_the_chosen_ones_are_inspected_against_all(site: Site) -> None:
    site.install("app", requires=["lib"])
    site.install("lib")
    (site.folder / "lib.py").unlink()
    assert site.audit(only=["APP"])["findings"] == []
    assert [package.name for package in site.audit(only=["lib"])["packages"]] == ["lib"]


def test_progress_comes_while_it_runs(site: Site) -> None:
    for name in ("a", "b", "c"):
        site.install(name)
    with graph.stream({"path": [str(site.folder)]}, stream_mode="custom") as events:
        first, *rest = events
    assert first == {"event": "discovered", "packages": 3}
    assert sorted(event["package"] for event in rest) == ["a", "b", "c"]


def test_files_are_hashed_on_the_threads_of_the_pool(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    digest = hashlib.file_digest

    def spy(*args: Any) -> Any:
        threads.add(threading.current_thread())
        return digest(*args)

    monkeypatch.setattr(hashlib, "file_digest", spy)
    for name in ("a", "b", "c"):
        site.install(name)
    list(graph.stream({"path": [str(site.folder)]}, stream_mode="custom"))
    assert threads
    assert threading.main_thread() not in threads


def test_the_order_of_the_run(site: Site) -> None:
    """The report comes once, after the longer of its two ways."""
    site.install("a")
    site.install("b")
    with graph.stream({"path": [str(site.folder)]}, stream_mode="updates") as updates:
        names = [name for update in updates for name in update]
    assert names[0] == "discover"
    assert sorted(names[1:4]) == ["inspect", "inspect", "relate"]
    assert names[4:] == ["summarise", "report"]


def test_the_report(site: Site, tmp_path: Path) -> None:
    site.install("app", requires=["gone>=1", "lib"])
    site.install("lib", headers=["License-Expression: GPL-3.0-only"])
    (site.folder / "lib.py").unlink()
    out = tmp_path / "new" / "out"
    result = site.audit(output=str(out))
    assert result["reports"] == [str(out / "report.md"), str(out / "report.json")]
    text = (out / "report.md").read_text("utf-8")
    assert "## Errors (2)" in text
    assert "## Notes (1)" in text
    assert "## Warnings" not in text
    assert "| app | unmet-requirement | It needs gone, which is not installed. | gone>=1 | not installed |" in text
    assert "| lib | missing-file | lib.py is gone. | a file | nothing | Reinstall lib. |" in text
    assert "| app | 1.0 | MIT | 1 | " in text
    data = json.loads((out / "report.json").read_text("utf-8"))
    assert [finding["rule"] for finding in data["findings"]] == ["unmet-requirement", "missing-file", "copyleft"]
    assert data["summary"]["counts"] == {"error": 2, "warning": 0, "note": 1}
    assert [package["name"] for package in data["packages"]] == ["app", "lib"]
    assert data["relations"]["needs"] == {"app": ["lib"], "lib": []}


def test_two_reports_on_one_environment_are_equal(site: Site, tmp_path: Path) -> None:
    for n in range(20):
        site.install(f"p{n}", requires=["gone", f"p{(n * 7) % 20}"], headers=[])
    reports = []
    for name in ("first", "second"):
        site.audit(output=str(tmp_path / name))
        data = json.loads((tmp_path / name / "report.json").read_text("utf-8"))
        lines = (tmp_path / name / "report.md").read_text("utf-8").replace(data.pop("created"), "").splitlines()
        reports.append((data, lines))
    assert reports[0] == reports[1]


def test_a_cell_keeps_its_table_whole(site: Site, tmp_path: Path) -> None:
    site.install("lib", headers=["License: <b>a|b</b>\n        second_line"])
    site.audit(output=str(tmp_path / "out"))
    assert "| \\<b>a\\|b\\</b> |" in (tmp_path / "out" / "report.md").read_text("utf-8")
