"""What Kubernetes is given is right; and, with podman, the Pods that it describes run."""
