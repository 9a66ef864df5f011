"""Decoding of untrusted media in processes that can do nothing else.

`doors` has the functions of `q2e.media` that open files, to be called from anywhere; `pool` starts
and ends the processes, `origin` is what runs in them, `confine` what shuts them in. What this
keeps off is told in docs/explanation/safety.md.
"""
