"""The Hugging Face Hub: reachability, downloads, verification, retries."""
