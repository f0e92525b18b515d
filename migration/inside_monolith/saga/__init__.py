"""Orders whose catalog, and perhaps payments, are services: a saga instead of one transaction.

The same steps as in `monolith/orders`, in files of the same names; what was one commit there is several here, and what
a crash leaves between two of them `recovery.py` carries on. Used while the gate says that the catalog is extracted.
"""
