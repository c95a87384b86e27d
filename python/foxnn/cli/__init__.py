"""The commands of ``python -m foxnn``, a file each, and what several of them share."""
