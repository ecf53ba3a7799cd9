"""The files of the authors' code, and the names in them."""
