"""What the adapter `hf-chat` is made of. Nothing here is imported before a model is asked: it loads PyTorch and transformers."""
