"""The measurements of Scripts/bench: ratios of paired runs, never a time that a test would assert."""
