"""A believable shop to look at, to try things in and to test with: see ``build`` for its order of work and ``world`` for its goods."""
