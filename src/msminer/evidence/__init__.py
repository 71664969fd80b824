"""Studies, tiers, statistics, trends, claims and verdicts. Pure: tables in, tables out."""
