"""VAPID keys, and what is derived from the Master Secret by label."""
