"""The authors' released code, as far as we need it: its checkpoints read into our grid, and proofs against its numbers.

checkpoint.py  option sets and tensor names -> a method and its weights
counts.py      what it marks trainable beyond what it uses
cases.py       one forward, backward and generation of a tiny model against recorded numbers
trace.py       a short training against a recorded one
"""
