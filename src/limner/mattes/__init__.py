"""Masks and alphas in, better alphas out: clean-up, refinement, closed form, foreground colours."""
