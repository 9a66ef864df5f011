"""Lets `python -m q2e` be the command `q2e`."""

from q2e.processes import forget_current_folder

forget_current_folder()

from q2e.cli import main  # noqa: E402 - not before the current folder is forgotten

main()
