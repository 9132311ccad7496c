"""What ends a benchmark without a figure."""


class BenchmarkError(Exception):
    """One line for who started it: a server, a load or the machine is not as it has to be."""
