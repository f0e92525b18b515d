"""Faults on a running stack: one vocabulary, each injected for a while and always healed."""

from deploy.faults.injection import Injected, during, heal_everything, inject
from deploy.faults.vocabulary import FAULTS, Fault, find

__all__ = ["FAULTS", "Fault", "Injected", "during", "find", "heal_everything", "inject"]
