"""The contract on paper against what is served: `shared/contract/openapi.yaml`, models, routes, and live answers."""
