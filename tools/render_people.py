"""Renders people: `python tools/render_people.py --split val --out DIR`."""

from hpe_art.commands.render_people import main

if __name__ == "__main__":
    raise SystemExit(main())
