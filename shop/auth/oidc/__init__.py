"""Signing in with an account that one has elsewhere: Google, or any OpenID Connect provider, by settings (``OIDC_PROVIDERS``).

``discovery`` asks providers about themselves, ``proof`` has them say who somebody is, ``services`` decides which account that opens. Who comes this
way is known by issuer and subject. An address opens nothing: a new account needs it verified, and one that has it already is asked to log in first.
"""
