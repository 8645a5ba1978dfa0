"""The command line's rooms beside ``cli.py``: how commands are registered, their options, the studies."""
