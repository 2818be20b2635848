"""MMEngine's registry looked for a class named "" and raised what it had."""

DRAWN = ["json", b'{"model": "", "test_dataloader": {"dataset": {"type": "MpiiDataset"}}}']
