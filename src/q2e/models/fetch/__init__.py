"""What is known of models by name, where their weights lie, and fetching them."""
