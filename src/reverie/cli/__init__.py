"""The command line: thin files, one function per verb."""
