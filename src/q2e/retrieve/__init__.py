"""Query time: scores, normalisation, fusion, moments and reasons."""
