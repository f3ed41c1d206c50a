"""What keeps the house a house. Each rule is a plain function that returns problems, and each is shown a planted fault first."""
