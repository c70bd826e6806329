#!/usr/bin/python3
"""politeness.py AGENT LOG DELAY_S : what a server's log says of the delay between two requests of a host."""
import collections
import json
import sys

agent, log, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
times = collections.defaultdict(list)
with open(log, encoding="utf-8", errors="replace") as lines:
    for line in lines:
        if agent in line:
            record = json.loads(line)
            times[record["h"]].append(record["t"])
gaps = []
for stamps in times.values():
    stamps.sort()
    gaps += [after - before for before, after in zip(stamps, stamps[1:])]
if not gaps:
    sys.exit("no host was asked twice: is it the right log?")
# The log has milliseconds.
early = [gap for gap in gaps if gap < delay - 0.0005]
mean = sum(gaps) / len(gaps)
print(f"{sum(map(len, times.values())):,} requests of {len(times):,} hosts, {len(gaps):,} gaps")
print(f"earlier than allowed: {len(early)}; shortest gap {min(gaps):.3f} s of {delay:g} s")
print(f"throughput: {100 * delay / mean:.2f} % of what the delay permits (mean gap {mean:.3f} s, "
      f"longest {max(gaps):.3f} s)")
sys.exit(1 if early or delay / mean < 0.98 else 0)
