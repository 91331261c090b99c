"""Measurements beside their peers, in one run on one server: ratios, CPU per operation, memory.

``python -m bench`` runs all of them, ``python -m bench filing pages …`` some. Nothing here is a
test and no test asserts a time.
"""
