"""VAPID keys and what wraps them."""
