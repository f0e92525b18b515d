"""Stacks on Kubernetes: what its parts are is YAML in the folders beside this file, rendered by kubectl's kustomize."""
