"""What is seen of a training while it runs, and said of it afterwards."""
