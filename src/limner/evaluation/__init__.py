"""Scores of masks and mattes over data sets, subgroups, timing, plots and the report."""
