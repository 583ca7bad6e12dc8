# packages: python3
# Python: subprocess, threads, multiprocessing, asyncio, ctypes, signals,
# numbers, and its modules in C.
export LC_ALL=C.UTF-8 PYTHONHASHSEED=0
cat > run.py <<'END'
import asyncio, bz2, collections, concurrent.futures, ctypes, decimal, errno, fractions, hashlib, hmac, io, json, lzma, math, mmap, multiprocessing, os, pickle, queue, random, re, select, signal, socket, sqlite3, ssl, statistics, struct, subprocess, sys, tempfile, threading, time, traceback, unicodedata, zlib
def show(name, *what): print(name + ":", *what, flush=True)
show("subprocess", subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 5"], capture_output=True, text=True))
for command in (["/no/such/program"], ["/etc/passwd"]):
    try: subprocess.Popen(command)
    except OSError as error: show("error", errno.errorcode[error.errno])
for path in ("/no/such/program", "/etc/passwd"):
    try: os.posix_spawn(path, [path], os.environ)
    except OSError as error: show("spawn", errno.errorcode[error.errno])
p = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 9"], os.environ); show("spawned", os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))
try: subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired: show("timeout", "expired")
show("killed", subprocess.run(["sh", "-c", "kill -15 $$"]).returncode)
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); show("communicate", len(p.communicate(b"x" * 1000000)[0]))
show("preexec", subprocess.run(["sh", "-c", "ulimit -n; pwd"], capture_output=True, text=True, cwd="/", start_new_session=True, preexec_fn=lambda: __import__("resource").setrlimit(7, (99, 99))).stdout.split())
total, lock = 0, threading.Lock()
def add(n):
    global total
    for _ in range(2000):
        with lock: total += n
threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; show("threads", total)
with concurrent.futures.ThreadPoolExecutor(4) as pool: show("pool", sum(pool.map(lambda n: n * n, range(500))))
def square(n): return n * n
with multiprocessing.Pool(3) as pool: show("processes", sum(pool.map(square, range(300))))
q = multiprocessing.Queue(); w = multiprocessing.Process(target=q.put, args=({"a": [1, 2]},)); w.start(); show("queue", q.get(), w.join(), w.exitcode)
async def work():
    async def one(n): await asyncio.sleep(0.01 * (5 - n)); return n
    process = await asyncio.create_subprocess_exec("echo", "async", stdout=asyncio.subprocess.PIPE)
    async def serve(reader, writer): writer.write((await reader.readline()).upper()); await writer.drain(); writer.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()); writer.write(b"hello\n")
    return await asyncio.gather(*map(one, range(5))), (await process.communicate())[0], await reader.read()
show("asyncio", asyncio.run(work()))
libc = ctypes.CDLL("libc.so.6", use_errno=True); libc.strtod.restype = ctypes.c_double; show("ctypes", libc.strtod(b"2.5", None), libc.abs(-7))
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: a[0] - b[0])
numbers = (ctypes.c_int * 6)(5, 2, 9, -1, 7, 0); libc.qsort(numbers, 6, 4, compare); show("callback", list(numbers))
class Pair(ctypes.Structure): _fields_ = [("quot", ctypes.c_int), ("rem", ctypes.c_int)]
libc.div.restype = Pair; d = libc.div(17, 5); show("structure", d.quot, d.rem)
class Four(ctypes.Structure): _fields_ = [(n, ctypes.c_double) for n in "abcd"]
back = ctypes.CFUNCTYPE(ctypes.c_double, Four, ctypes.c_float, ctypes.c_int8)(lambda f, x, n: f.a + f.d + x + n); show("floats", back(Four(1, 2, 3, 4), 0.5, -3))
hits = []; signal.signal(signal.SIGUSR1, lambda *a: hits.append(a[0])); [os.kill(os.getpid(), signal.SIGUSR1) for _ in range(50)]; show("signals", len(hits))
signal.signal(signal.SIGALRM, lambda *a: hits.append("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.2); show("alarm", hits[-1])
show("sigwait", (signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]), os.kill(os.getpid(), signal.SIGUSR2), signal.sigwait([signal.SIGUSR2]))[2].name)
show("fork", os.waitstatus_to_exitcode(os.waitpid(os.fork() or os._exit(3), 0)[1]))
a, b = socket.socketpair(); a.sendall(b"x" * 100); show("select", len(select.select([b], [], [], 1)[0]), len(b.recv(1000)))
e = select.epoll(); e.register(b, select.EPOLLIN); a.send(b"y"); show("epoll", e.poll(1)[0][1])
show("floats", repr(math.pi * 1e10), math.fsum([0.1] * 10), math.gamma(5.5), 2 ** 0.5, float("nan"), -0.0, round(2.675, 2), math.lgamma(0.1), math.erf(0.5), 1e308 * 10, math.nextafter(1, 2), (0.1).hex(), math.sin(1e22), math.exp(1), math.log1p(1e-10), math.pow(2.5, 3.7))
show("complex", (1 + 2j) ** 3, abs(3 + 4j)); show("ints", 3 ** 200 % 10 ** 30, pow(7, 10 ** 20, 10 ** 18 + 9), (1 << 200).bit_length(), math.isqrt(10 ** 41), math.comb(100, 50), -7 // 2, -7 % 3)
decimal.getcontext().prec = 50; show("decimal", decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7, decimal.Decimal(10).ln()); show("fraction", sum(fractions.Fraction(1, n) for n in range(1, 30)))
random.seed(1); show("random", random.random(), random.gauss(0, 1), random.sample(range(1000), 5)); show("statistics", statistics.stdev([random.random() for _ in range(1000)]))
data = json.dumps({str(n): [n, n / 7, None, True, "é" * (n % 5)] for n in range(3000)}).encode()
show("json", hashlib.sha256(data).hexdigest(), len(json.loads(data)))
for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s"): show(name, hashlib.new(name, data).hexdigest())
show("hmac", hmac.new(b"key", data, "sha256").hexdigest(), hashlib.pbkdf2_hmac("sha256", b"p", b"s", 1000).hex(), hashlib.scrypt(b"p", salt=b"s", n=1024, r=8, p=1).hex()[:32])
for name, m in (("zlib", zlib), ("bz2", bz2), ("lzma", lzma)): c = m.compress(data); show(name, hashlib.sha1(c).hexdigest(), m.decompress(c) == data)
show("crc", zlib.crc32(data), zlib.adler32(data)); show("pickle", hashlib.sha1(pickle.dumps([data, 1.5, {1: (2, 3)}], 5)).hexdigest())
show("struct", struct.pack("<bhiqfd5sx?", -1, 2, -3, 4, 1.5, 2.5, b"abc", True).hex(), struct.unpack(">e", b"\x3c\x01"))
show("re", len(re.findall(rb"(?<=\[)(\d+), ([\d.]+)", data)), re.sub(r"(\w)(\w*)", lambda m: m[2] + m[1], "some words here")); show("unicode", unicodedata.normalize("NFD", "Å").encode(), unicodedata.name("€"), "ß".upper())
db = sqlite3.connect(":memory:"); db.execute("create table t(a integer primary key, b text, c real)"); db.executemany("insert into t values(?,?,?)", ((n, f"row{n % 17}", n / 3) for n in range(5000)))
show("sqlite", db.execute("select b, count(*), sum(c), group_concat(a % 3) from t where a > 4900 group by b order by 1").fetchall()[:3])
m = mmap.mmap(-1, 100000); m[500:505] = b"hello"; show("mmap", m.find(b"hello"), len(m)); show("ssl", ssl.OPENSSL_VERSION_INFO[0], len(ssl.create_default_context().get_ciphers()) > 5)
def deep(n): return n and 1 + deep(n - 1)
sys.setrecursionlimit(3000)
try: deep(10 ** 6)
except RecursionError: show("recursion", "caught")
try: [][1]
except IndexError: show("traceback", traceback.format_exc().splitlines()[-1])
show("collections", collections.Counter("mississippi").most_common(2)); show("maximum", sys.maxsize, sys.byteorder, sys.float_info.dig)
with tempfile.TemporaryDirectory() as d:
    open(d + "/f", "w").write("x"); os.symlink("f", d + "/l"); show("files", sorted(os.listdir(d)), os.stat(d + "/l").st_size, os.readlink(d + "/l"))
import faulthandler; p = subprocess.run([sys.executable, "-X", "faulthandler", "-c", "import ctypes; ctypes.string_at(0)"], capture_output=True, text=True); show("fault", p.returncode, p.stderr.splitlines()[0])
END
python3 run.py
python3 - <<'END'
def primes(n):
    sieve = bytearray([1]) * n
    for i in range(2, int(n ** .5) + 1):
        if sieve[i]: sieve[i * i::i] = bytes(len(range(i * i, n, i)))
    return [i for i in range(2, n) if sieve[i]]
p = primes(100000); print(len(p), p[-1])
def queens(n, row=0, cols=0, d1=0, d2=0):
    if row == n: return 1
    return sum(queens(n, row + 1, cols | 1 << c, d1 | 1 << row + c, d2 | 1 << row - c + n) for c in range(n) if not (cols >> c & 1 or d1 >> row + c & 1 or d2 >> row - c + n & 1))
print(queens(7))
END
python3 -m compileall -q run.py; python3 -c 'import sys; sys.exit("message")'; echo $?; { python3 -c 'import os; os.abort()'; } 2> /dev/null; echo $?; python3 -m json.tool <<< '{"a":[1,{"b":null}]}'; python3 -m zipfile -c z.zip run.py && python3 -m zipfile -l z.zip | wc -l
