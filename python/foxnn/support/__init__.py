"""The foundation of the package, which knows nothing about networks."""
