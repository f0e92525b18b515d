"""The shop's users for Locust: `locust -f loadtests/locustfile.py`, with its web page or `--headless`.

`Shopper` and `Buyer` are closed-loop users and run by default. `OpenArrivals` sends at a set rate instead: name it on
the command line, or pick it in the web page with `--class-picker`. Shapes of load over time for closed-loop users are
in loadtests/load/shapes: `locust -f loadtests/locustfile.py,loadtests/load/shapes/steps.py`.
"""

from typing import Any

from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtests.load.users.locust_master import ArrivalsMaster
from loadtests.load.users.locust_worker import ArrivalsWorker
from loadtests.load.users.open_arrivals import OpenArrivals
from loadtests.load.users.options import add_options
from loadtests.load.users.shop_user import ShopUser
from loadtests.load.users.shopper import Buyer, Shopper
from shared.platform.own_pages import own_page_only

__all__ = ["Buyer", "OpenArrivals", "Shopper"]


def choose(environment: Any, whole: ArrivalsMaster) -> None:
    """Leave OpenArrivals out where nobody asked for it; alone, let it count its workers and time itself."""
    options = environment.parsed_options
    if not options.user_classes and not options.class_picker:
        environment.user_classes = [user for user in environment.user_classes if user is not OpenArrivals]
    if options.user_classes == [OpenArrivals.__name__] and options.headless:
        if options.num_users is None:
            options.num_users = options.spawn_rate = max(options.expect_workers, 1)
        # Locust counts --run-time from before its users are there.
        whole.run_time_s, options.run_time = float(options.run_time or 0), None


def set_up(environment: Any, **_event: Any) -> None:
    """Wire the open arrivals to Locust's runner, and let its page answer nobody but itself."""
    if environment.web_ui is not None:
        environment.web_ui.app.wsgi_app = own_page_only(environment.web_ui.app.wsgi_app)
    if not isinstance(environment.runner, WorkerRunner):
        choose(environment, ArrivalsMaster(environment))
    if not isinstance(environment.runner, MasterRunner):
        OpenArrivals.part = ArrivalsWorker(environment)


events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]
events.init.add_listener(set_up)  # type: ignore[no-untyped-call]
events.test_start.add_listener(ShopUser.clear_stage)  # type: ignore[no-untyped-call]
