"""What proves that the shops do the same: journeys over HTTP, chaos, contract, documents."""
