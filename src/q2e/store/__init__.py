"""Where evidence is kept and looked up; never loads a model."""
