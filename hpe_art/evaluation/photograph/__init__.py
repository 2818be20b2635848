"""One photograph under one attack, with what the network sees in it for the truth."""
