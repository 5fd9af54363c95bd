"""The paper's scale proven in parts, without the hub: its shapes with random weights, and what they cost on a device.

hub.py      the paper's backbones and data as local folders laid out as the hub's, of random weights and made-up words
cells.py    every run of the paper's tables, cut to three steps: trained, killed, resumed, tested, recorded
measure.py  steps and tokens a second, and memory, of a method at the paper's batch shapes
"""
