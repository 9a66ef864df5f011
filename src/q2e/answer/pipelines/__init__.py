"""Answers as declared pipelines: files of named steps, each a service with its parameters."""
