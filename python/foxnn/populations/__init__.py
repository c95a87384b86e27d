"""Populations: many networks of the same layers, made, asked and trained in one call."""
