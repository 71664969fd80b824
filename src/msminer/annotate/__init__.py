"""The annotation loop: which records to read next, a page to read them on, agreement, adjudication, the gold format.

propose    which records would narrow the intervals most: labels, findings, claims → [Proposal]
project    the folder of one round: queue, readings, decisions; append-only
rules      what a reading must obey: Labels → [Problem]
compare    where two readings differ: readings → [Pair]
agreement  Cohen's kappa per label and per axis: folder → table
export     the gold format: folder → gold.jsonl
serve      the page, on loopback alone: folder, texts, reader → labels
"""
