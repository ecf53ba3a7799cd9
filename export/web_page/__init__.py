"""The page of `export.web`: its model, its files, what it shows."""
