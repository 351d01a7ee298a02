"""Build the package as a release would and use it as a stranger would; ``make package`` runs this.

The build works on a copy, so that nothing stale slips into a wheel and nothing is left in the clone. The wheel that was
made from the sdist is then installed into an empty environment and used from an empty folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build", "dist", "*.egg-info")

IMPORTS = """
import importlib.util, pathlib, sys
import rxgraph
from rxgraph import operators as ops

assert callable(ops.map), ops.map
assert ops.__name__ == "rxgraph.operators", ops.__name__
home = pathlib.Path(rxgraph.__file__).resolve()
assert home.is_relative_to(pathlib.Path(sys.prefix).resolve()), f"imported from outside of the environment: {home}"
assert importlib.util.find_spec("operators") is None, "a top-level package 'operators' was installed"
"""


def fail(message: str) -> None:
    sys.exit(f"package check: {message}")


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    """What the command printed; stop with everything it said if it failed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=clean | env, capture_output=True, encoding="utf-8")
    if done.returncode:
        fail(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def source_files() -> set[str]:
    """The files that belong into the package, as they are named inside of it."""
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rxgraph").rglob("*.py")}
    files |= {f"rxgraph/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "operators").rglob("*.py")}
    return files | {"rxgraph/py.typed"}


def check_files(archive: Path, packed: set[str]) -> None:
    wanted = source_files()
    if not any(name.startswith("rxgraph/operators/") for name in wanted):
        fail(f"{ROOT} has no operators to pack")
    if missing := sorted(wanted - packed):
        fail(f"{archive.name} lacks {', '.join(missing)}. A new folder needs an __init__.py.")
    if extra := sorted(name for name in packed - wanted if name.startswith("rxgraph/")):
        fail(f"{archive.name} has more than the source: {', '.join(extra)}")
    if any(PurePosixPath(name).parts[0] == "operators" for name in packed):
        fail(f"{archive.name} has a top-level folder 'operators'")


def check_sdist(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        if links := [member.name for member in tar if member.issym() or member.islnk()]:
            fail(f"{archive.name} has links, which not every system unpacks: {', '.join(links)}")
        check_files(archive, {member.name.partition("/")[2] for member in tar if member.isfile()})


def check_wheel(archive: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        packed = set(wheel.namelist())
        check_files(archive, packed)
        tops = {PurePosixPath(name).parts[0] for name in packed}
        info = {top for top in tops if top.endswith(".dist-info")}
        if tops - info != {"rxgraph"}:
            fail(f"{archive.name} installs more than the package rxgraph: {', '.join(sorted(tops - info))}")
        metadata = wheel.read(f"{info.pop()}/METADATA").decode()
        headers, _, description = metadata.partition("\n\n")
        if not description.strip():
            fail(f"{archive.name} has no description: is README.md missing?")
        for line in ("Name: rxgraph-runtime", "Requires-Python: >=3.11", "License-Expression: MIT"):
            if line not in headers.splitlines():
                fail(f"the metadata of {archive.name} lacks '{line}':\n{headers}")


def check_use(wheel: Path, temp: Path) -> None:
    """Import it and run the demo from a folder that has nothing to do with the clone."""
    home, elsewhere, report = temp / "venv", temp / "elsewhere", temp / "report"
    elsewhere.mkdir()
    venv.create(home)
    bin = home / ("Scripts" if os.name == "nt" else "bin")
    run(sys.executable, "-m", "pip", "--quiet", "--python", bin / "python", "install", f"{wheel}[cli]", cwd=elsewhere)
    run(bin / "python", "-W", "error", "-c", IMPORTS, cwd=elsewhere)
    printed = run(bin / "rxgraph", "demo", "--output", report, cwd=elsewhere, NO_COLOR="1")
    files = [path for path in report.rglob("*") if path.is_file()]
    if "rxgraph-runtime" not in printed + "".join(path.read_text("utf-8") for path in files):
        fail(f"'rxgraph demo' audits this environment and doesn't mention rxgraph-runtime:\n{printed}")
    for suffix in (".md", ".json"):
        if not any(path.suffix == suffix and path.stat().st_size for path in files):
            fail(f"'rxgraph demo --output DIR' left no {suffix} report in DIR, only {[path.name for path in files]}")
    if left := [path.name for path in elsewhere.iterdir()]:
        fail(f"'rxgraph demo --output DIR' also wrote to the current folder: {', '.join(left)}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rxgraph-package-") as name:
        temp = Path(name)
        copy, dist, direct = temp / "copy", temp / "dist", temp / "direct"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=NOT_SOURCE)
        # Without a choice of format `build` makes the sdist first and the wheel from it.
        run(sys.executable, "-m", "build", "--outdir", dist, copy, cwd=temp)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", direct, copy, cwd=temp)
        (sdist,), (wheel,), (direct_wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl"), direct.glob("*.whl")
        check_sdist(sdist)
        check_wheel(wheel)
        check_wheel(direct_wheel)
        check_use(wheel, temp)
    print(f"{sdist.name} and {wheel.name} are complete, install and run")


if __name__ == "__main__":
    main()
