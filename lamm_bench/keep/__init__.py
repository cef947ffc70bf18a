"""What is on disk: run folders, ledgers, locks, answer files in and out."""
