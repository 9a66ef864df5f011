"""An engine in Milvus: a copy of what is found by, of a catalogue that stays where it is."""
