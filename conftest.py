"""The Markdown pages are tests: every Python code block of the README and of ``docs/`` runs, in one namespace a page.

A block that can't run by itself is left out by ``<!-- skip: next -->`` on the line before it.
"""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
).pytest()
