"""Both stacks in containers: the compose file against the topology, the images, and what runs."""
