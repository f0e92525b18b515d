"""What each stack consists of, and how it is run: as processes here, as containers in compose.

An arrow points down only (kept by import-linter):

canary, faults, traces    what is done with a running stack
stacks                    the runner of a stack, and several stacks at once
local, compose            processes of this machine; containers
envoy, runner             the proxy's configuration; the interface to a running stack, and what any runner needs
model                     parts, ports, settings, secrets, state folders, errors: data
"""
