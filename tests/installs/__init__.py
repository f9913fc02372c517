"""compatbuild installed as a user does it, from the locked wheels alone: no index is asked while it is installed."""
