"""Takes the pictures of the README, from shops that are up: `twinshop screenshots`."""


def take() -> None:
    """To come."""
