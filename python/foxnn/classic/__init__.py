"""FoxNN's interface, under FoxNN's names."""
