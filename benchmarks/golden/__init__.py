"""The golden outputs of the command line: recorded before a change, compared after it."""
