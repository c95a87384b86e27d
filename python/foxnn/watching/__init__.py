"""A page on which one watches a training: what it shows, and the server that brings it there."""
