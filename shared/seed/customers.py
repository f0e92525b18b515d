"""The customers that the storefront offers for signing in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoCustomer:
    """`subject` is what their token carries as `sub`; it is the customer's id in both shops."""

    subject: str
    name: str
    email: str


DEMO_CUSTOMERS = (
    DemoCustomer("amara-okafor", "Amara Okafor", "amara.okafor@customers.example"),
    DemoCustomer("jonas-lindqvist", "Jonas Lindqvist", "jonas.lindqvist@customers.example"),
    DemoCustomer("mei-tanaka", "Mei Tanaka", "mei.tanaka@customers.example"),
    DemoCustomer("lucia-ferrari", "Lucía Ferrari", "lucia.ferrari@customers.example"),
    DemoCustomer("samir-haddad", "Samir Haddad", "samir.haddad@customers.example"),
)
