"""What a network is: its state, settings, scalers, and what it answers."""
