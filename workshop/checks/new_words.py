"""Lab 1: one sentence changed where both builds find it."""

from __future__ import annotations

from deploy.runner.console import console
from workshop.checks import require
from workshop.customer import Visitor, until
from workshop.exercise import Exercise

PHRASE = "Thank you for your order"
SHOPS = ("monolith", "microservices")


def check(exercise: Exercise) -> None:
    """Buy in both shops of the copy, and read the mails' subjects; look at which files were changed."""
    with exercise.up(*SHOPS) as customers:
        subjects = {name: _subject_of_a_mail(customer) for name, customer in customers.items()}
    changed = [file for _, _, file in exercise.changes()]

    for name, subject in subjects.items():
        console.print(f"{name}: the mail's subject is '{subject}'")
        require(subject == PHRASE, f"The {name} writes '{subject}', and not '{PHRASE}'.")
    console.print(f"Changed: {', '.join(changed) or 'nothing'}")
    require(
        not [file for file in changed if file.startswith(("monolith/", "microservices/"))],
        "It works, but in each build by itself: what both must say alike belongs where both find it.",
    )


def _subject_of_a_mail(customer: Visitor) -> str:
    order = customer.buy((customer.some_skus(1)[0], 1))
    require(order.status == 201, f"The order was answered {order.status}: {order.body}")
    mails = until(lambda: customer.mails_about(order.body["id"]), within_s=15)
    require(mails, f"No mail about {order.body['id']} came.")
    return str(mails[0]["subject"])
