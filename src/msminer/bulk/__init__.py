"""The same labelling over the whole of PubMed: sync the files, one shard a file, resolve, count."""
