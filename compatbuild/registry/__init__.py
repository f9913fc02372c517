"""References, credentials, transport, referrers, and the OCI layout as a store."""
