"""Services that know each other without tokens: what do tokens cost?"""
