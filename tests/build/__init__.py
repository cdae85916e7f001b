"""The build's own promises: stamping, headers, the image's format, reproducible bytes."""
