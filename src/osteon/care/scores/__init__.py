"""Published risk scores and function tests, as points and formulas with their sources."""
