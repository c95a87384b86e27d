"""How a network is trained: what `fit` takes, and what happens in it."""
