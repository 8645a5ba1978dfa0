"""``python -m coercivity``: the command line."""

from coercivity.cli import main

if __name__ == "__main__":
    main()
