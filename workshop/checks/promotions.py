"""Lab 9: the holiday discount, in both builds; and what it took to change, to test and to deploy."""

from __future__ import annotations

from pathlib import Path

from deploy.runner.console import console
from loadtests.experiments.deploy.touched import touched_by
from workshop.checks import require
from workshop.customer import Visitor, until
from workshop.exercise import Exercise

NAME, PERCENT = "holiday", 20
WITHIN_S = 30.0
BUILDS = {"monolith": "monolith/promotions", "microservices": "microservices/promotions"}
OTHERS = ("catalog", "orders", "payments", "notifications", "kit")


def check(exercise: Exercise) -> None:
    """Begin a promotion, buy at the lower price, end it; then count what was changed."""
    for shop in BUILDS:
        with exercise.up(shop, products=200) as customers:
            _sell_with_a_discount(shop, customers[shop], exercise.admin(shop))
            if shop == "microservices":
                _sell_without_the_service(exercise, customers[shop])
            outcome = exercise.attempt("books", "--stack", shop)
            require(outcome.returncode == 0, f"The books are wrong:\n{outcome.stdout[-2000:]}")
            console.print(f"{shop}: the discount came and went, and the books are right")
    _compare(exercise)


def _sell_with_a_discount(shop: str, customer: Visitor, admin: Visitor) -> None:
    category = customer.get("/categories").body["items"][0]["name"]
    path = f"/promotions/{NAME}"
    promotion = {"category": category, "percent": PERCENT}
    before = _prices(customer)
    ours = {sku for sku, (of, _) in before.items() if of == category}

    refused = customer.send("PUT", path, promotion)
    require(refused.status == 403, f"{shop}: a customer's PUT {path} was answered {refused.status}, and not 403.")
    start = admin.send("PUT", path, promotion)
    require(start.status in (200, 202), f"{shop}: PUT {path} was answered {start.status}: {start.body}")
    require(_becomes(admin, path, "active"), f"{shop}: {path} did not become active within {WITHIN_S:.0f} s.")

    during = _prices(customer)
    for sku, (_, price) in before.items():
        right = (price * (100 - PERCENT) + 50) // 100 if sku in ours else price
        require(during[sku][1] == right, f"{shop}: {sku} costs {during[sku][1]}, and not {right}.")
    sku = min(ours)
    order = customer.buy((sku, 2))
    total = order.body.get("total", {}).get("amount")
    require(total == 2 * during[sku][1], f"{shop}: two of {sku} cost {total}, and not {2 * during[sku][1]}.")

    ended = admin.send("DELETE", path)
    require(ended.status in (200, 202), f"{shop}: DELETE {path} was answered {ended.status}.")
    require(_becomes(admin, path, "ended"), f"{shop}: {path} did not end within {WITHIN_S:.0f} s.")
    require(_prices(customer) == before, f"{shop}: the prices are not what they were before.")


def _sell_without_the_service(exercise: Exercise, customer: Visitor) -> None:
    runner = exercise.runner("microservices")
    runner.hold("promotions", kill=True)
    order = customer.buy((customer.some_skus(1)[0], 1))
    runner.release("promotions")
    require(order.status == 201, f"Without promotions an order is answered {order.status}: others depend on it.")
    console.print("microservices: without promotions the shop sells")


def _prices(customer: Visitor) -> dict[str, tuple[str, int]]:
    """Return category and price of every product."""
    prices: dict[str, tuple[str, int]] = {}
    after = ""
    while True:
        page = customer.get(f"/products?limit=100{after}").body
        prices |= {item["sku"]: (item["category"], item["price"]["amount"]) for item in page["items"]}
        if not page["next_cursor"]:
            return prices
        after = f"&cursor={page['next_cursor']}"


def _becomes(admin: Visitor, path: str, status: str) -> bool:
    return until(lambda: admin.get(path).body.get("status") == status, WITHIN_S)


def _compare(exercise: Exercise) -> None:
    changes = exercise.changes()
    for build, home in BUILDS.items():
        ours = [(added, removed, file) for added, removed, file in changes if _belongs(file, build)]
        inside = [row for row in ours if row[2].startswith(f"{home}/")]
        outside = [row for row in ours if row not in inside]
        lines = sum(added for added, _, _ in inside)
        console.print(f"{build}: {lines} lines in {home}, and in {len(outside)} files elsewhere:", markup=False)
        for added, removed, file in outside:
            console.print(f"    +{added} -{removed}  {file}", markup=False)
        touched = touched_by(_some_python(exercise.code / home, exercise.code), build, exercise.code)
        console.print(
            f"    redeployed: {', '.join(touched.images) or 'nothing'} ({touched.lines} lines of Python); "
            f"unit tests beside it: {touched.unit_tests}, tests of the whole shop: {touched.shop_tests}",
            markup=False,
        )
    touched_others = [
        file for _, _, file in changes if file.startswith(tuple(f"microservices/{other}/" for other in OTHERS))
    ]
    require(not touched_others, f"The other services were to stay as they are; changed: {', '.join(touched_others)}")


def _belongs(file: str, build: str) -> bool:
    """Whether a changed file is of this build; what deploys the services is theirs, what is shared is both's."""
    return file.startswith(f"{build}/") or (build == "microservices" and file.startswith("deploy/"))


def _some_python(folder: Path, root: Path) -> str:
    files = sorted(folder.rglob("*.py"))
    require(files, f"There is nothing in {folder.relative_to(root)}.")
    return str(files[0].relative_to(root))
