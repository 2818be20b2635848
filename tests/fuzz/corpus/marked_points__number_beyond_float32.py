"""It was finite as it was read, and infinite as a point."""

DRAWN = [{}, b'{"keypoints": [[1e308, 4], null, [1, 2]]}']
