"""Makes the robustness card of a network: `python tools/card.py mmpose_configs/hourglass.py`."""

from hpe_art.commands.card import main

if __name__ == "__main__":
    raise SystemExit(main())
