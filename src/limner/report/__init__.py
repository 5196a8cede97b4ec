"""Plots of training and of results, and the report of an evaluation. Needs the extra ``report``."""

from limner.report.curves import plot_curves
from limner.report.page import Report, save_figures, save_report

__all__ = ["Report", "plot_curves", "save_figures", "save_report"]
