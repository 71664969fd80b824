"""Tools for claims of one's own: check a file, add to it, preview a claim's evidence, draft claims from an article.

register   the shipped register, with a user's claims added: path → Register
check      every mistake of a claims file, explained: path → [Mistake]
add        a claim added at the end of a file, its comments kept: fields → Claim
preview    what a claim would be judged on: claim, publications → Preview
draft      claims proposed from an article's text, never a verdict: text → YAML
"""
