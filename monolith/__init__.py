"""The shop as one Flask application: four modules, one process, one database."""
