"""The payment provider: charges, refunds and voids by key, with a ledger of its own and behaviour set at run time."""
