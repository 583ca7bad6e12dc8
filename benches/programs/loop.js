// Integers, floating point, objects and closures, hot.
class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
  plus(other) {
    return new Point(this.x + other.x, this.y + other.y);
  }
}
let sum = new Point(0, 0);
for (let i = 0; i < 8e6; i++) sum = sum.plus(new Point(i & 7, 1 / (i + 1)));
let primes = 0;
const sieve = new Uint8Array(4e6);
for (let i = 2; i < sieve.length; i++) {
  if (sieve[i]) continue;
  primes++;
  for (let j = i * 2; j < sieve.length; j += i) sieve[j] = 1;
}
console.log(sum.x, sum.y.toFixed(9), primes);
