"""Runs, qrels, measures and tests of significance."""
