"""Lets `python -m q2e` be the command `q2e`."""

from q2e.cli import main

main()
