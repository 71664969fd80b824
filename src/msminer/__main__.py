"""`python -m msminer` is the same as the command `msminer`."""

from msminer.cli import main

main()
