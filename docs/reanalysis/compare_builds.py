"""Compares two arms of a result with pandas alone: python docs/reanalysis/compare_builds.py results.csv

Prints services over monolith for each figure: the mean over sessions of the ratios of pairs, on a log scale, and its
95 % interval (Student's t over sessions). loadtests/report/tidy.py says what the columns are.
"""

import math
import sys

import pandas as pd

A, B = "monolith", "microservices"
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

rows = pd.read_csv(sys.argv[1], keep_default_na=False, na_values={"value": [""]})
rows = rows[(rows["void"] == 0) & (rows["value"] > 0) & rows["build"].isin([A, B])]
what = ["unit", "mix", "journey", "figure"]
table = rows.pivot_table(index=[*what, "session", "pair"], columns="build", values="value")
table = table.reindex(columns=[A, B]).dropna()
log_ratio = (table[B] / table[A]).map(math.log)
sessions = log_ratio.groupby(level=[*what, "session"]).mean()

for name, means in sessions.groupby(level=what):
    ratio, count = math.exp(means.mean()), len(means)
    interval = "one session: no interval"
    if count > 1:
        factor = math.exp(T_95.get(count - 1, 1.96) * means.std(ddof=1) / math.sqrt(count))
        interval = f"{ratio / factor:.3f} to {ratio * factor:.3f}, {count} sessions"
    sys.stdout.write(f"{' '.join(part for part in name if part):<55} {ratio:.3f}  ({interval})\n")
