# packages: ruby lua5.4 tcl php-cli ocaml-nox guile-3.0 zsh expect busybox-static python3-venv dash
# Other languages: Ruby, Lua, Tcl, PHP, OCaml, Guile, zsh, expect, busybox.
export LC_ALL=C.UTF-8
cat > a.rb <<'END'
require 'json'; require 'digest'; require 'set'; require 'open3'; require 'socket'; require 'bigdecimal'; require 'zlib'; require 'timeout'; require 'yaml'; require 'tempfile'
puts (1..20).select(&:even?).map { |n| n ** 2 }.sum, 2 ** 200, 10.0 / 3, "ärger".capitalize, [3, 1, 2].sort.inspect, 17.fdiv(5).round(3)
puts JSON.generate({a: [1, 2.5, nil], b: "x"}), Digest::SHA256.hexdigest("x" * 100000), Zlib.crc32("text"), YAML.dump({"a" => [1, "b"]})
q = Queue.new; t = 4.times.map { |i| Thread.new { 100.times { |n| q << n * i } } }; t.each(&:join); s = 0; s += q.pop until q.empty?; puts s
f = Fiber.new { 3.times { |n| Fiber.yield n }; :done }; puts 4.times.map { f.resume }.inspect
out, err, st = Open3.capture3("sh -c 'echo out; echo err >&2; exit 3'"); puts out, err, st.exitstatus
begin; Process.spawn("/no/such/program"); rescue Errno::ENOENT => e; puts e.message; end
puts fork { exit! 5 }.then { |pid| Process.wait2(pid)[1].exitstatus }
Signal.trap("USR1") { $got = true }; Process.kill("USR1", Process.pid); sleep 0.01 until $got; puts "signal"
begin; Timeout.timeout(0.1) { loop {} }; rescue Timeout::Error; puts "timeout"; end
s = TCPServer.new("127.0.0.1", 0); Thread.new { c = s.accept; c.puts c.gets.upcase; c.close }; c = TCPSocket.new("127.0.0.1", s.addr[1]); c.puts "hello"; puts c.gets
def deep(n) = n == 0 ? 0 : 1 + deep(n - 1)
begin; deep(10 ** 7); rescue SystemStackError; puts "stack"; end
puts Ractor.new { (1..1000).sum }.take if defined? Ractor
puts BigDecimal("2").sqrt(30).to_s[0, 30], Rational(1, 3) + Rational(1, 6), Complex(1, 2) ** 2, Math.gamma(5), Random.new(42).rand, [1, 2, 3, 4].each_slice(2).to_a.inspect, "a1b22".scan(/\d+/).inspect, Comparable.instance_methods.size, GC.start.inspect, ObjectSpace.count_objects.key?(:TOTAL)
h = Hash.new(0); "the quick brown the lazy the".split.each { |w| h[w] += 1 }; puts h.sort_by { |k, v| [-v, k] }.first(2).inspect; 200000.times { |n| "s#{n}" }; puts :ok
END
ruby -W0 a.rb; echo "ruby: $?"; ruby --jit -W0 -e 'def f(n) = n < 2 ? n : f(n - 1) + f(n - 2); puts f(20)' 2>&1 | tail -1; ruby -e 'raise "x"' 2> /dev/null; echo $?
cat > a.lua <<'END'
local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1009 end table.sort(t, function(a, b) return a > b end) print(t[1], t[1000], #t)
print(string.format("%5.2f %d %s %q %x", 3.14159, 42, "s", "q\n", 255), ("hello world"):gsub("o", "0"), ("key=val"):match("(%w+)=(%w+)"))
local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a * i) end return "end" end) print(co(2), co(3), co(4), co(5))
print(pcall(function() error({code = 7}) end), select("#", 1, nil, nil), 7 // 2, -7 // 2, 7 % -3, 2 ^ 0.5, 1 << 62, math.maxinteger + 1 == math.mininteger, 0x7fffffff * 2, 10 / 2, 3 | 4, ~0)
local mt = setmetatable({}, {__index = function(_, k) return k .. "!" end, __call = function(_, x) return x * 2 end, __gc = function() end}) print(mt.foo, mt(21)) print(string.pack("<i4d", 7, 1.5):byte(1, -1)) print(utf8.char(228, 8364), utf8.len("äö"))
local s = 0 for i = 1, 2000000 do s = s + i % 7 end print(s) local p = io.popen("echo popen; exit 3") print(p:read("a"), p:close()) print(os.execute("exit 5")) print(load("return 1 +")) local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end print(fib(22)) print(pcall(string.rep)) local function deep(n) return 1 + deep(n + 1) end print((select(2, pcall(deep, 1)):gsub(":.*", ""))) collectgarbage() print(math.floor(-1.5), math.fmod(-7, 3), math.type(1), math.type(1.0), tostring(1e15), 2^53, 1e100)
END
lua5.4 a.lua; echo "lua: $?"
tclsh <<'END'
puts [expr {2**100}]; proc fib n {expr {$n < 2 ? $n : [fib [expr {$n-1}]] + [fib [expr {$n-2}]]}}; puts [fib 15]; puts [lsort -integer {5 3 9 1}]; puts [exec sh -c {echo child}]; puts [catch {exec sh -c {exit 3}} m o]; puts [lindex [dict get $o -errorcode] 2]; puts [regsub -all {(\w)(\w)} abcd {\2\1}]; puts [clock format 1000000000 -gmt 1 -format %F]; after 20 {set done 1}; vwait done; set d [dict create a 1 b 2]; puts [dict get $d b]; puts [format %.10f [expr {sqrt(2)}]]; coroutine c apply {{} {yield; yield 1; yield 2}}; puts [c][c]; puts [string map {a b} banana]
END
php <<'END'
<?php echo array_sum(array_map(fn($n) => $n ** 2, range(1, 100))), "\n", json_encode(["a" => 1.5, "b" => [true, null]]), "\n", hash("sha256", str_repeat("x", 10000)), "\n", preg_replace_callback('/\d+/', fn($m) => $m[0] * 2, "a1b22"), "\n"; function gen() { for ($i = 0; $i < 3; $i++) yield $i => $i * $i; } foreach (gen() as $k => $v) echo "$k:$v "; echo PHP_INT_MAX + 1, " ", intdiv(7, 2), " ", 7 <=> 3, " ", round(2.5), " ", M_PI, "\n"; try { intdiv(1, 0); } catch (DivisionByZeroError $e) { echo $e->getMessage(), "\n"; } echo shell_exec("echo child"); $p = proc_open(["cat"], [["pipe", "r"], ["pipe", "w"]], $pipes); fwrite($pipes[0], "through"); fclose($pipes[0]); echo stream_get_contents($pipes[1]), proc_close($p), "\n"; mt_srand(42); echo mt_rand(), " ", md5(serialize(range(1, 1000))), " ", crc32("x"), "\n"; $a = []; for ($i = 0; $i < 100000; $i++) $a[$i % 997] = ($a[$i % 997] ?? 0) + $i; ksort($a); echo count($a), " ", $a[996], "\n"; usort($a, fn($x, $y) => $y <=> $x); echo $a[0], "\n"; $f = new Fiber(function ($x) { $y = Fiber::suspend($x * 2); echo "fiber $y\n"; }); echo $f->start(5), "\n"; $f->resume("resumed"); echo date("D, d M Y", 1000000000), "\n", gzcompress("x") === gzcompress("x") ? "same\n" : "other\n"; exit(3);
END
echo "php: $?"; php -d opcache.enable_cli=1 -d opcache.jit=tracing -d opcache.jit_buffer_size=16M -r 'function f($n) { return $n < 2 ? $n : f($n - 1) + f($n - 2); } echo f(22), "\n"; $s = 0; for ($i = 0; $i < 3000000; $i++) $s += $i & 7; echo $s, "\n";'
cat > a.ml <<'END'
module M = Map.Make (String)
exception Found of int
type t = Leaf | Node of t * int * t
let rec insert x = function Leaf -> Node (Leaf, x, Leaf) | Node (l, y, r) as n -> if x < y then Node (insert x l, y, r) else if x > y then Node (l, y, insert x r) else n
let rec depth = function Leaf -> 0 | Node (l, _, r) -> 1 + max (depth l) (depth r)
let rec fold f a = function Leaf -> a | Node (l, x, r) -> fold f (f (fold f a l) x) r
let () =
  let t = ref Leaf in for i = 1 to 5000 do t := insert (i * 7919 mod 10007) !t done; Printf.printf "%d %d\n" (depth !t) (fold (+) 0 !t);
  (try List.iter (fun x -> if x * x > 50 then raise (Found x)) [1; 5; 8; 9] with Found x -> Printf.printf "found %d\n" x);
  let m = List.fold_left (fun m w -> M.update w (function None -> Some 1 | Some n -> Some (n + 1)) m) M.empty ["a"; "b"; "a"] in M.iter (Printf.printf "%s %d\n") m;
  Printf.printf "%.10f %d %x %Ld\n" (sqrt 2. +. sin 1.) max_int (0xff lxor 0x0f) (Int64.mul 123456789L 987654321L); (try ignore [|1|].(5) with Invalid_argument s -> print_endline s); (try ignore (1 / (Sys.opaque_identity 0)) with Division_by_zero -> print_endline "division");
  let rec deep n = 1 + deep (n + 1) in if Sys.word_size = 64 then (try ignore (deep 0) with Stack_overflow -> print_endline "stack"); Gc.compact (); print_endline (Digest.to_hex (Digest.string "x"))
END
ocaml a.ml; ocamlfind -version > /dev/null 2>&1; ocamlopt -o a a.ml 2> /dev/null && ./a; ocamlc -o b a.ml 2> /dev/null && ./b
guile-3.0 --no-auto-compile -c '(use-modules (ice-9 threads) (ice-9 popen) (ice-9 rdelim)) (define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (display (fib 22)) (newline) (display (expt 3 200)) (newline) (display (apply + (par-map (lambda (n) (* n n)) (iota 50)))) (newline) (display (/ 1 3)) (display (exact->inexact 1/3)) (newline) (display (read-line (open-input-pipe "echo child"))) (newline) (display (call/cc (lambda (k) (dynamic-wind (lambda () (display "in ")) (lambda () (k 42)) (lambda () (display "out ")))))) (newline) (display (catch (quote misc-error) (lambda () (error "an error")) (lambda (k . a) k))) (newline)' 2>&1
zsh -c 'print -l ${(o)${(s:,:)"c,a,b"}}; typeset -A h; h=(a 1 b 2); print ${(kv)h[a]}; for f in /etc/pass*(N.); print $f; print $((2.0 ** 0.5)); (exit 4); print $?; zmodload zsh/datetime && print ok; echo {01..03}; setopt extendedglob; [[ abc = (#i)ABC ]] && print yes; cat =(echo process)'; expect -c 'log_user 0; spawn sh; send "echo \$((6*7))x\r"; expect "42x" {puts found}; send "exit 3\r"; expect eof; puts [lindex [wait] 3]'
busybox sh -c 'for a in sha256sum md5sum; do seq 1000 | busybox $a; done; busybox awk "BEGIN {print 2 ^ 10, length(\"abc\")}"; seq 10 | busybox sed -n "\$p"; busybox tar c /etc/passwd 2> /dev/null | busybox wc -c; busybox expr 6 \* 7; busybox dc 2 3 + p; busybox printf "%05d\n" 7; busybox vi --help 2>&1 | head -1 | cut -c1-7'
python3 -m venv v && v/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'; v/bin/pip --version | cut -d' ' -f1; dash -c 'set -- a b; shift; echo $1 ${#1} $(( 0x10 )); trap "echo t" 0; false || exit 2'; echo $?
