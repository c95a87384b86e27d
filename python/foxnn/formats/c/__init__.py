"""A network as a C header."""
