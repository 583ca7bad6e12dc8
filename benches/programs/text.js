// Strings, expressions, maps and JSON.
const text = require("fs").readFileSync("/mnt/text", "utf8");
const counts = new Map();
for (const [word] of text.matchAll(/[A-Za-z]+/g)) {
  const key = word.toLowerCase();
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
const again = JSON.parse(JSON.stringify(ranked));
console.log(again.length, again.slice(0, 5).join(" "));
