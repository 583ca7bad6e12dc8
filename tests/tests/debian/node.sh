# packages: nodejs
# Node.js: compiled functions, WebAssembly, worker threads, child processes, a server.
cat > a.js <<'END'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const cp = require('child_process'), crypto = require('crypto'), zlib = require('zlib'), http = require('http'), vm = require('vm');
if (!isMainThread) {
  let h = 0;
  for (let i = 0; i < 1e6; i++) h = (h * 31 + i * workerData.n) | 0;
  Atomics.add(new Int32Array(workerData.shared), 0, 1);
  parentPort.postMessage(h);
} else (async () => {
  const shared = new SharedArrayBuffer(4);
  console.log(await Promise.all([1, 2, 3, 4].map(n => new Promise((yes, no) => new Worker(__filename, { workerData: { n, shared } }).on('message', yes).on('error', no)))), new Int32Array(shared)[0]);
  // (module (func (export "fib") (param i32) (result i32) ...) and one that reads out of bounds.
  const fib = await WebAssembly.instantiate(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 102, 105, 98, 0, 0, 10, 30, 1, 28, 0, 32, 0, 65, 2, 72, 4, 127, 32, 0, 5, 32, 0, 65, 1, 107, 16, 0, 32, 0, 65, 2, 107, 16, 0, 106, 11, 11]));
  console.log(fib.instance.exports.fib(24));
  const load = await WebAssembly.instantiate(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 8, 1, 4, 108, 111, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11]));
  for (let i = 0; i < 20000; i++) load.instance.exports.load(i);
  try { load.instance.exports.load(-4); } catch (e) { console.log(e.message); }
  console.log(cp.execFileSync(process.execPath, ['-p', '6 * 7']).toString().trim(), cp.spawnSync('sh', ['-c', 'echo out; exit 3']).status, cp.spawnSync('/no/such/program').error.code);
  let functions = [];
  for (let i = 0; i < 300; i++) functions.push(new Function('a', `let s = 0; for (let i = 0; i < 1000; i++) s += a * i + ${i}; return s`));
  let sum = 0;
  for (let round = 0; round < 20; round++) for (const f of functions) sum += f(round);
  console.log(sum);
  class A { #x = 1; get x() { return this.#x; } set x(v) { this.#x = v; } }
  class B extends A { get y() { return super.x * 2; } }
  const b = new B(); for (let i = 0; i < 1e5; i++) b.x = b.y % 1009 + 1; console.log(b.x);
  // Optimized for one kind of value, then given others.
  const add = (p, q) => p + q; let mixed = 0; for (let i = 0; i < 1e5; i++) mixed = add(mixed, i); console.log(mixed, add('a', 1), add(1n, 2n), add(0.1, 0.2), add({}, []));
  const deep = n => 1 + deep(n + 1); try { deep(0); } catch (e) { console.log(e.constructor.name); }
  console.log([...'the quick brown fox'.matchAll(/(\w)(\w+)/g)].map(m => m[2] + m[1]).join(' '), 'x'.repeat(1e5).replace(/x/g, 'yy').length, /^(a+)+$/.test('a'.repeat(20) + 'b'));
  console.log(crypto.createHash('sha256').update('x'.repeat(1e6)).digest('hex'), zlib.gunzipSync(zlib.gzipSync('hello '.repeat(1e5))).length, zlib.brotliDecompressSync(zlib.brotliCompressSync('hello '.repeat(1e4))).length, crypto.pbkdf2Sync('a', 'b', 1000, 16, 'sha512').toString('hex'));
  const server = http.createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1', () => {
    const request = http.request({ host: '127.0.0.1', port: server.address().port, method: 'POST' }, async response => { let n = 0; for await (const chunk of response) n += chunk.length; console.log(response.statusCode, n); server.close(); });
    request.end('z'.repeat(1e6));
  });
  await new Promise(yes => server.on('close', yes));
  console.log(Math.fround(0.1), 0.1 + 0.2, 1e21, (255).toString(2), 2 ** 53 + 1, -7 % 3, 1 / -0, parseFloat('1e-7'), 123456789n ** 10n, new Date(1e12).toISOString(), JSON.stringify({ a: [1, { b: null }], c: 'ü' }), [3, 1, 2].toSorted?.() ?? [1, 2, 3], new Intl.NumberFormat('de').format(1234567.891));
  let o = {}; for (let i = 0; i < 3e5; i++) { o['k' + i % 5000] = { i }; if (i % 50000 == 0) o = {}; } console.log(Object.keys(o).length, vm.runInNewContext('[1,2,3].map(x => x * y)', { y: 3 }).join());
  process.on('SIGUSR2', () => { console.log('signal'); process.exitCode = 5; clearTimeout(timer); }); const timer = setTimeout(() => { }, 60000); process.kill(process.pid, 'SIGUSR2');
})();
END
for options in "" --no-opt --max-lazy "--stack-size=500 --max-old-space-size=64"; do node $options a.js; echo $?; done 2>&1
node -e 'throw new Error("x")' 2> /dev/null; echo $?; node --abort-on-uncaught-exception -e 'process.abort()' 2> /dev/null; echo $?; echo 'console.log([1, 2].at(-1)); export {}' > b.mjs; node b.mjs
