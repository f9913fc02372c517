"""Keys, bundles, signatures and the rules of verification."""
