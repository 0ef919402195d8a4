"""The parts of the `cameo` program that are written in Python: each module has a function `main`, which
takes the arguments and returns the exit status."""
