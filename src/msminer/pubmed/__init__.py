"""The one door to PubMed: query plan, client, rate gate, parser, harvest."""
