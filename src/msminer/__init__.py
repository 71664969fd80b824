"""msminer checks what articles claim about stem cells for multiple sclerosis against PubMed."""

__version__ = "0.1.0"
