"""The course: the labs' text is the source; what is here reads it, runs it, and checks the exercises."""
