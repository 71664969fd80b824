"""Living evidence: what moved since the last good run, and telling people about it, never more and never less."""
