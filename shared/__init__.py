"""What both builds of the shop have in common: rules, contract, plumbing, seed data and the outside world."""
