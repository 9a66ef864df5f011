"""Ways of describing pictures in words, for the channel `caption`.

A way is a method of kind `caption`: (settings, models) -> the channel that reads so. A channel's
`config_key` tells what its evidence is made by; parameters that are not the defaults enter it.
"""
