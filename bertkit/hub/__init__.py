"""The Hugging Face Hub: is it there, fetch, verify, retry."""
