"""Runs attacks on a test set, scores them, and keeps the results as data."""
