"""The formats of files, a module or a package each."""
