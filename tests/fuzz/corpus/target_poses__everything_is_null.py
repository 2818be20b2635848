"""The first joint says whether there is one pose or a list of them."""

DRAWN = [[], b"[[null, null, null], null]"]
