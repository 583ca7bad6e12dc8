# packages: pypy3 php-cli
# Just-in-time compilers of PyPy and PHP.
export LC_ALL=C.UTF-8
pypy3 -c '
import threading, json, hashlib, ctypes, sys
def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)
print(fib(27)); s = 0
for i in range(5000000): s += i % 7
print(s); d = {}
for i in range(300000): d[i % 997] = d.get(i % 997, 0) + i
print(d[0], len(d)); t = [threading.Thread(target=lambda: [hashlib.sha256(b"x" * i).digest() for i in range(500)]) for _ in range(4)]
[x.start() for x in t]; [x.join() for x in t]
x = 0.5
for i in range(1000000): x = 3.9 * x * (1 - x)
print(x)
try:
    def deep(n): return deep(n + 1)
    deep(0)
except RecursionError: print("deep")
print(ctypes.CDLL(None).abs(-5)); import gc; gc.collect(); print(json.dumps({"a": [1, 2.5]}))
'; echo $?
php -d opcache.enable_cli=1 -d opcache.jit=1255 -d opcache.jit_buffer_size=32M -r 'function f($n) { return $n < 2 ? $n : f($n-1) + f($n-2); } echo f(25), "\n"; $a = []; for ($i = 0; $i < 200000; $i++) { $a[$i % 100] = ($a[$i % 100] ?? 0.5) + sqrt($i); } printf("%.6f\n", array_sum($a)); try { intdiv(1, 0); } catch (DivisionByZeroError $e) { echo get_class($e), "\n"; } function g(int ...$x) { return array_map(fn($y) => $y * 2, $x); } for ($i = 0; $i < 3000; $i++) $z = g(1, 2, $i); echo json_encode($z), "\n"; if (PHP_INT_SIZE == 8) var_dump(opcache_get_status()["jit"]["on"] ?? null);' 2>&1
