"""Push subscriptions, and VAPID keys that the user replaces or signs with."""
