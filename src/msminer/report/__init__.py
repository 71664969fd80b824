"""The report: one HTML page, the tables and citations beside it, and what changed since the last one."""
