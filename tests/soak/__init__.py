"""Long trials that tests run in small: ``scripts/soak mutations --count 200000``, ``kills``, ``workers``."""
