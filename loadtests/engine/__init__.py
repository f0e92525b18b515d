"""What experiments are made of: arms that are started, loaded, measured, compared, and have their books checked."""
