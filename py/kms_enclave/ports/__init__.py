"""What the domain asks of the world: Protocols and the data that crosses them."""
