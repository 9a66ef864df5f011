"""Ways of unfolding a question into what comes before, happens and follows after."""
