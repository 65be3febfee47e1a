"""bertkit: fine-tune BERT-like encoders from the command line, with scores you can believe."""

__version__ = "0.1.0"
