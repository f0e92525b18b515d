"""Calls over httpx as it comes, in place of aiohttp's transport below the same API: what does the transport cost?"""
