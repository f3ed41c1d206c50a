"""What guards my account: its address, the app, recovery codes, passkeys. Each change wants a proof of the last quarter of an hour."""
