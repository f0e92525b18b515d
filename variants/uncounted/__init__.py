"""Parts whose counting a file turns off: what does counting cost?"""
