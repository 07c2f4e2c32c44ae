"""Timings: each benchmark measures all of its competitors in one run, in turn, and reports ratios."""
