"""What the package stands on, and what knows nothing of networks."""
