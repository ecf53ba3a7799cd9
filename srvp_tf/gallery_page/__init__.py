"""The page of the gallery: what it shows, drawn from plain arrays; it knows no model."""
