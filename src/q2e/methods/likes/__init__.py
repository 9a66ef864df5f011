"""How hits that a person likes or dislikes move a question."""
