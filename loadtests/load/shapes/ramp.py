"""Closed-loop users in a straight line from none to 200 in two minutes, then steady for one."""

from locust import LoadTestShape


class Ramp(LoadTestShape):
    """A slow warm start, without the jump of a step."""

    users = 200
    ramp_s = 120
    steady_s = 60

    def tick(self) -> tuple[int, float] | None:
        """Return (users, users to start per second) for now, or None at the end."""
        run_s = self.get_run_time()  # type: ignore[no-untyped-call]
        if run_s > self.ramp_s + self.steady_s:
            return None
        return max(1, round(self.users * min(run_s / self.ramp_s, 1.0))), self.users / self.ramp_s
