"""What the documents say is true: commands exist and run, files are where they are said to be."""
