"""Long trials that tests run in small: ``scripts/soak mutations --count 200000``, ``churn``, ``kills``, ``workers``."""
