"""A page that computes a network in the browser, and shows every layer."""
