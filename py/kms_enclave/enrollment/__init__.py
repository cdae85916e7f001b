"""How a user proves presence, and what protects the Master Secret meanwhile."""
