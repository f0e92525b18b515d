"""Where the CPU goes: Python's stacks sampled under a steady load, merged by build, and drawn as flame graphs."""
