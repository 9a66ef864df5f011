"""Ways of telling a whole video, for the channel `summary`.

A way is a method of kind `summary`: (settings, models) -> the channel that reads so. A channel's
`config_key` tells what its evidence is made by; parameters that are not the defaults enter it.
"""
