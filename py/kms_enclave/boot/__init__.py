"""What happens before the first request: self-tests, the state's check, the genesis; a reset."""
