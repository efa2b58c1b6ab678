"""``python -m convvision``: the command line."""

from convvision.cli import main

main()
