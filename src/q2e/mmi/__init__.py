"""MMI-TVR: key-images, inductive reasoning, questions and skeletons, trained or as they are."""
