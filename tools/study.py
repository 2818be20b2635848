"""Runs the whole study of the paper: `python tools/study.py --quick`."""

from hpe_art.commands.study import main

if __name__ == "__main__":
    raise SystemExit(main())
