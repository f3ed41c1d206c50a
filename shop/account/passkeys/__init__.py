"""My passkeys: adding, renaming, removing them."""
