"""Do more threads cost a monolith anything while there is no need for them?

Question: Does an order take more CPU where 64 requests may run at a time instead of 16?

Hypothesis: No: threads that wait cost memory and no CPU.

Load: Orders alone, evenly spaced, in pulses that go to the arms in turns, at 70 % of what each takes; and open arrivals
of the mix `ordering` at 40 % of what the slower one takes.

What is held equal: Everything but the number of threads. Each session starts both arms and a twin of each afresh.

How to read it: 64 threads over 16, over sessions. A winner is named where both arms equal their twins.
"""

from loadtests.engine.arm import ArmSpec
from loadtests.engine.declaration import Declaration
from loadtests.engine.loads import Cost, Waits
from loadtests.measure.replication import Spread

EXPERIMENT = Declaration(
    arms=(
        ArmSpec("16 threads", "monolith"),
        ArmSpec("64 threads", "monolith", settings={"web": {"WEB_THREADS": "64"}}),
    ),
    costs=(Cost("order", "orders-only", "CPU per confirmed order"),),
    waits=(Waits("ordering", ("order",)),),
    noise=Spread(between=0.03, within=0.10),
)
