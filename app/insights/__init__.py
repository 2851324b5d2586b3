"""Pure numbers about one person's days: averages, baselines, trends, tests, findings. No I/O, no clock, no wire format."""
