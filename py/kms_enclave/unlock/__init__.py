"""The Master Secret, the ways of unlocking it, and the session that an unlocked user works in."""
