"""The report: figures, page and exports."""
