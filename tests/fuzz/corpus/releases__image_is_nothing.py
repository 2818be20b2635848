"""Its name was asked for."""

from fuzz.properties.releases import ANNOLIST

DRAWN = [{"annolist": [None, *ANNOLIST[1:]], "img_train": [1] * 6}]
