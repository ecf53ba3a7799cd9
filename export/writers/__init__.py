"""How an export is written: formats, versions, metadata, warm-up requests."""
