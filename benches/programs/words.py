"""Text, numbers and structures, as scripts use them."""

import json
import re

counts = {}
with open("/mnt/text") as text:
    for line in text:
        for word in re.findall(r"[A-Za-z]+", line):
            word = word.lower()
            counts[word] = counts.get(word, 0) + 1
ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
again = json.loads(json.dumps(ranked))
print(len(again), again[:5])
