"""One HTML page from result files: `python tools/report.py study -o report.html`."""

from hpe_art.commands.report import main

if __name__ == "__main__":
    raise SystemExit(main())
