"""Faults on a running stack: one vocabulary, each injected for a while and always healed."""

from deploy.faults.injection import ActiveFault, during, heal_everything, inject
from deploy.faults.vocabulary import FAULTS, Fault, find

__all__ = ["FAULTS", "ActiveFault", "Fault", "during", "find", "heal_everything", "inject"]
