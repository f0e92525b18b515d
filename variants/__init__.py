"""What an experiment adds to a build by wiring it differently: one entry point each. No build knows of them.

A part runs a variant in place of its own command where its setting VARIANT names one (see deploy/model/topology.py).
"""
