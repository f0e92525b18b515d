"""Open arrivals at a host of your own, with tasks of your own:

locust -f docs/locust/any_host.py --headless --host https://shop.example --arrival-profile 20x30,100x10,20x30
"""

from locust import FastHttpUser, tag, task

from loadtests.load.locust_arrivals import OpenArrivalsMixin, wire

wire()


class Visitor(OpenArrivalsMixin, FastHttpUser):
    @tag("read")
    @task(9)
    def read(self):
        self.client.get("/")

    @tag("write")
    @task
    def comment(self):
        self.client.post("/comments", json={"text": "Crunchy."})
