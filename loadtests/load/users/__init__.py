"""What customers do: mixes, requests, and the judgement of answers. Users for Locust, open and closed loop."""
