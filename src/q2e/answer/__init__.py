"""Answers questions in sentences that cite what videos say."""
