"""Staff pages about people: each module is a feature of the back office with its own blueprint and line in the menu."""
