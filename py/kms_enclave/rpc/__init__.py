"""The wire: typed requests and results, and the way from a message to a handler."""
