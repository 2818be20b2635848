"""It was taken for a number."""

from fuzz.properties.releases import ANNOLIST

DRAWN = [{"annolist": [{**ANNOLIST[0], "vididx": "x"}, *ANNOLIST[1:]], "img_train": [1] * 6}]
