"""One service in another language, behind the same contract."""
