"""Studies: what one paper, or one protocol, asks of several networks of one dataset."""
