"""The classifier: text to labels and findings."""
