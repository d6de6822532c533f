"""Long trials that a test runs in small: ``scripts/soak mutations --count 200000``."""
