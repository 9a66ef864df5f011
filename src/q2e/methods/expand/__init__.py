"""What is added to a question: imagined answers, words of the best evidence, other words."""
