"""``python -m rxgraph.cli`` is the command ``rxgraph``."""

from rxgraph.cli import main

if __name__ == "__main__":
    main()
