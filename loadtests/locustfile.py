"""The shop's users for Locust: `locust -f loadtests/locustfile.py`, with its web page or `--headless`.

`Shopper` and `Buyer` are closed-loop users and run by default. `OpenArrivals` sends at a set rate instead: name it on
the command line, or pick it in the web page with `--class-picker`. Shapes of load over time for closed-loop users are
in loadtests/load/shapes: `locust -f loadtests/locustfile.py,loadtests/load/shapes/steps.py`.
"""

from typing import Any

from locust import events
from locust.runners import WorkerRunner

from loadtests.load.locust_arrivals import wire
from loadtests.load.users.open_arrivals import OpenArrivals
from loadtests.load.users.options import add_shop_options
from loadtests.load.users.shop_user import ShopUser
from loadtests.load.users.shopper import Buyer, Shopper
from shared.platform.own_pages import own_page_only

__all__ = ["Buyer", "OpenArrivals", "Shopper"]


def choose(environment: Any, **_event: Any) -> None:
    """Leave OpenArrivals out where nobody asked for it, and let Locust's page answer nobody but itself."""
    options = environment.parsed_options
    is_told = isinstance(environment.runner, WorkerRunner)  # by its master, whom to send
    if not is_told and not options.user_classes and not options.class_picker:
        environment.user_classes = [user for user in environment.user_classes if user is not OpenArrivals]
    if environment.web_ui is not None:
        environment.web_ui.app.wsgi_app = own_page_only(environment.web_ui.app.wsgi_app)


events.init_command_line_parser.add_listener(add_shop_options)  # type: ignore[no-untyped-call]
events.init.add_listener(choose)  # type: ignore[no-untyped-call]
wire()
events.test_start.add_listener(ShopUser.clear_stage)  # type: ignore[no-untyped-call]
events.test_stop.add_listener(ShopUser.report_still_open)  # type: ignore[no-untyped-call]
