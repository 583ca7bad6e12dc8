# packages: clang lld llvm g++ bookworm:libclang-rt-14-dev trixie:libclang-rt-19-dev libc6-dev
# Clang, LLD and LLVM's tools: C and C++ compiled and linked in several ways, and
# sanitizers, each with its own idea of where memory may lie.
export LC_ALL=C UBSAN_OPTIONS=print_stacktrace=0 ASAN_OPTIONS=symbolize=1
cat > a.c <<'END'
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef float v4 __attribute__((vector_size(16))); typedef int8_t v32 __attribute__((vector_size(32)));
static jmp_buf env; __thread int local = 5; static _Atomic int shared;
static int sum(int n, ...) { va_list v; va_start(v, n); int s = 0; while (n--) s += va_arg(v, int); va_end(v); return s; }
static int compare(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }
static uint64_t hash(const unsigned char *p, size_t n) { uint64_t h = 0xcbf29ce484222325; while (n--) h = (h ^ *p++) * 0x100000001b3; return h; }
struct mixed { signed char c; double d; float f[3]; short s; unsigned bits : 5, more : 20; }; static struct mixed twice(struct mixed m) { m.d *= 2; m.f[1] += m.f[2]; m.s = -m.s; m.bits += 9; m.more -= 7; return m; }
__attribute__((noinline)) static int choose(int n) { switch (n) { case 0: return 5; case 1: return 9; case 2: return -1; case 3: return 100; case 4: return 77; case 9: return 3; default: return n; } }
int main(int argc, char **argv) {
    double d[1000]; uint32_t r = 1; for (int i = 0; i < 1000; i++) { r = r * 1664525 + 1013904223; d[i] = (int32_t)r / 65536.0; }
    qsort(d, 1000, sizeof *d, compare); printf("%.6f %.6f %016lx\n", d[0], d[999], (unsigned long)hash((void *)d, sizeof d));
    struct mixed m = twice((struct mixed){'x', 1.25, {1, 2, 3}, 77, 30, 5}); printf("%c %g %g %d %u %u\n", m.c, m.d, m.f[1], m.s, m.bits, m.more);
    int volatile n = 0; if (setjmp(env) < 3) { n++; longjmp(env, n); } printf("%d %d\n", n, sum(4, 1, 2, 3, 4)); int all = 0; for (int i = 0; i < 12; i++) all = all * 3 + choose(i); printf("%d\n", all);
    double complex z = cexp(I * 3.14159265358979323846); printf("%.3f %.3f\n", creal(z), cimag(z) + 0.0001); v4 x = {1, 2, 3, 4}, y = {0.5f, 0.25f, 4, 8}; v4 w = x * y - __builtin_convertvector(x > y, v4); v32 b; for (int i = 0; i < 32; i++) b[i] = (int8_t)(i * 37); b = (b << 1) ^ (b >> 2); printf("%g %g %g %g %016lx\n", w[0], w[1], w[2], w[3], (unsigned long)hash((void *)&b, 32));
    static int matrix[64][64], product[64][64]; for (int i = 0; i < 64; i++) for (int j = 0; j < 64; j++) matrix[i][j] = i * j % 7; for (int i = 0; i < 64; i++) for (int j = 0; j < 64; j++) for (int k = 0; k < 64; k++) product[i][j] += matrix[i][k] * matrix[k][j]; printf("%016lx\n", (unsigned long)hash((void *)product, sizeof product));
    unsigned __int128 q = (unsigned __int128)-1 / 12345678901234567ull; long long o; int over = __builtin_mul_overflow((long long)r << 31, 77LL, &o); printf("%llu %llu %d %lld\n", (unsigned long long)(q >> 64), (unsigned long long)q, over, o);
    for (int i = 0; i < 1000; i++) shared += __builtin_popcountll(r * (uint64_t)i) + __builtin_ctz(r | 1 << 20) + __builtin_bitreverse32(i) % 5; float f = 0; for (int i = 1; i < 10000; i++) f += 1.0f / i; printf("%d %.4f %s\n", shared, f, strrchr("a/b/c", '/')); return local + argc;
}
END
for flags in -O0 -O3 '-Oz -flto=thin -fuse-ld=lld -Wl,--gc-sections,--icf=all' '-O2 -static' '-O1 -g -fsanitize=address' '-O2 -fprofile-generate'; do
    clang -ffp-contract=off $flags -o a a.c -lm 2> err; echo "$flags: $? $(grep -c . err)"; ./a > out 2>&1; echo "$? $(sha256sum < out)"; done; cat out
llvm-profdata merge -o p default*.profraw && clang -ffp-contract=off -O2 -fprofile-use=p -o a a.c -lm && ./a | cmp - out && echo "profile used"
clang -O1 -fprofile-instr-generate -fcoverage-mapping -ffp-contract=off -o a a.c -lm && ./a | cmp - out; llvm-profdata merge -o q default.profraw && llvm-cov report ./a -instr-profile=q | awk '/^TOTAL/ { print $2, $3, $5, $6, $8, $9 }'
cat > b.cc <<'END'
#include <algorithm>
#include <any>
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>
struct Noisy { std::string name; ~Noisy() { std::cout << "gone " << name << '\n'; } };
struct Base { virtual ~Base() = default; virtual int f() const = 0; }; struct One : virtual Base { int f() const override { return 1; } }; struct Other : virtual Base { int f() const override { return 5; } }; struct Both : One, Other { int f() const override { return One::f() + Other::f(); } };
struct Counter { struct promise_type { int value; Counter get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; } std::suspend_always yield_value(int v) { value = v; return {}; } void return_void() {} void unhandled_exception() { throw; } }; std::coroutine_handle<promise_type> h; ~Counter() { h.destroy(); } };
Counter count(int n) { Noisy noisy{"coroutine"}; for (int i = 0; i < n; i++) co_yield i * i; throw std::runtime_error("from a coroutine"); }
template <typename... T> auto sum(T... t) { return (t + ...); }
int thrower(int n) { Noisy noisy{"frame " + std::to_string(n)}; if (n == 0) throw std::out_of_range("deep"); return thrower(n - 1) + 1; }
void quiet() noexcept { throw 3; }
int main(int argc, char **) {
    try { thrower(3); } catch (const std::logic_error &e) { std::cout << "caught " << e.what() << '\n'; }
    try { try { std::vector<int>(3).at(7); } catch (...) { std::throw_with_nested(std::runtime_error("outer")); } } catch (const std::exception &e) { std::cout << e.what() << '\n'; try { std::rethrow_if_nested(e); } catch (const std::out_of_range &) { std::cout << "nested\n"; } }
    { std::unique_ptr<Base> b = std::make_unique<Both>(); std::cout << b->f() << ' ' << dynamic_cast<Other *>(b.get())->Other::f() << '\n'; try { (void)dynamic_cast<One &>(*std::make_unique<Other>()); } catch (const std::bad_cast &) { std::cout << "bad cast\n"; } try { std::any a = 3; std::any_cast<long>(a); } catch (const std::bad_any_cast &) { std::cout << "bad any\n"; } }
    { auto c = count(4); int all = 0; try { while (true) { c.h.resume(); all += c.h.promise().value; } } catch (const std::exception &e) { std::cout << e.what() << ' ' << all << '\n'; } }
    std::atomic<int> total{0}; std::vector<std::thread> threads; std::mutex m; std::map<int, int> seen; thread_local int mine = 0; for (int n = 0; n < 6; n++) threads.emplace_back([&, n] { for (int i = 0; i < 1000; i++) { total += n; mine++; std::lock_guard lock(m); seen[i % 10]++; } if (n == 3) try { thrower(1); } catch (...) { } total += mine; }); for (auto &t : threads) t.join(); std::cout << total << ' ' << seen[3] << ' ' << mine << '\n';
    auto f = std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); }); try { f.get(); } catch (const std::exception &e) { std::cout << e.what() << '\n'; }
    std::mt19937_64 random(42); std::cout << random() % 1000003 << ' ' << sum(1, 2.5, 3L) << ' ' << std::gcd(84, 36) << '\n'; std::variant<int, std::string> v = "text"; std::visit([](auto &x) { std::cout << x << '\n'; }, v); std::function<long(long)> fib = [&](long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }; std::cout << fib(20) << std::endl;
    long caught = 0; for (int i = 0; i < 2000; i++) try { if (i % 3 == 0) throw i; if (i % 3 == 1) throw std::string("s"); throw 2.5; } catch (int n) { caught += n; } catch (const std::string &s) { caught += s.size(); } catch (double d) { caught += d * 2; } std::cout << caught << std::endl; if (argc > 1) quiet(); return 7;
}
END
for flags in '-std=c++20 -O0' '-std=c++20 -O2 -fuse-ld=lld' '-std=c++20 -O2 -g -fsanitize=address,undefined' '-std=c++20 -O2 -static'; do clang++ $flags -o b b.cc -pthread 2> err; echo "$flags: $?"; for how in '' terminate; do { ./b $how > out 2> err; } 2> /dev/null; echo "$? $(sha256sum < out) $(grep -v '^ *#\|^==\|^$' err | head -1 | cut -c1-40)"; done; done; cat out
cat > c.cc <<'END'
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
int global[10]; static volatile int one = 1; int racy;
struct Virtual { virtual ~Virtual() {} virtual int f() { return 1; } int x = 3; };
__attribute__((noinline)) int *escape() { int here[4] = {1, 2, 3, 4}; int *volatile p = here; return p; }
__attribute__((noinline)) int deep(int n) { volatile char big[256]; big[n & 255] = n; return deep(n + one) + big[0]; }
static void *race(void *) { for (int i = 0; i < 1000; i++) racy++; return nullptr; }
static void *stack(void *p) { volatile char c[16]; c[*(volatile int *)p * 16 + 3] = 1; return nullptr; }
static void handler(int) { write(1, "handled\n", 8); }
int main(int, char **argv) {
    const char *how = argv[1]; auto is = [&](const char *s) { return !strcmp(how, s); };
    if (is("fine")) {
        signal(SIGUSR1, handler); raise(SIGUSR1); std::vector<std::unique_ptr<int[]>> all; for (int i = 0; i < 5000; i++) { all.push_back(std::make_unique<int[]>(i % 97 + 1)); if (i % 3) all[i / 2].reset(); } void *m = mmap(nullptr, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memset(m, 1, 1 << 22); munmap(m, 1 << 22); void *big = malloc(300 << 20); memset(big, 1, 1 << 20); free(big);
        if (pid_t child = fork()) { int s; waitpid(child, &s, 0); printf("child %d\n", WEXITSTATUS(s)); } else { delete new int; _exit(4); } pthread_t t[4]; for (auto &x : t) pthread_create(&x, nullptr, [](void *) -> void * { for (int i = 0; i < 2000; i++) free(malloc(i)); return nullptr; }, nullptr); for (auto &x : t) pthread_join(x, nullptr); try { throw 5; } catch (int n) { printf("caught %d\n", n); } puts("fine"); fflush(stdout); execlp(argv[0], argv[0], "again", nullptr);
    } else if (is("again")) { puts("again"); }
    else if (is("heap")) { char *p = (char *)malloc(10); p[10 * one] = 1; free(p); }
    else if (is("after")) { int *p = new int[4]; delete[] p; return p[2 * one]; }
    else if (is("double")) { void *volatile p = malloc(8); free(p); free(p); }
    else if (is("stack")) { int here[4] = {}; return here[3 + one]; }
    else if (is("global")) { return global[9 + one]; }
    else if (is("return")) { return *escape(); }
    else if (is("string")) { char b[4]; strcpy(b, argv[0]); puts(b); }
    else if (is("thread")) { pthread_t t; pthread_create(&t, nullptr, stack, (void *)&one); pthread_join(t, nullptr); }
    else if (is("mismatch")) { int *volatile p = new int; free(p); }
    else if (is("leak")) { void *volatile p = malloc(123); p = nullptr; puts("leaked"); }
    else if (is("null")) { *(volatile int *)(intptr_t)(one - 1) = 1; }
    else if (is("overflow")) { return deep(1) ? 1 : 0; }
    else if (is("uninit")) { int *p = (int *)malloc(40); if (p[one]) puts("yes"); else puts("no"); free(p); }
    else if (is("race")) { pthread_t t; pthread_create(&t, nullptr, race, nullptr); race(nullptr); pthread_join(t, nullptr); puts("raced"); }
    else if (is("lock")) { static pthread_mutex_t a, b; auto both = [](void *order) -> void * { pthread_mutex_t *x = order ? &a : &b, *y = order ? &b : &a; pthread_mutex_lock(x); pthread_mutex_lock(y); pthread_mutex_unlock(y); pthread_mutex_unlock(x); return nullptr; }; both(nullptr); pthread_t t; pthread_create(&t, nullptr, both, argv); pthread_join(t, nullptr); puts("locked"); }
    else if (is("integer")) { int big = 2147483647; big += one; printf("%d %d\n", big < 0, 1 << (31 + one)); float f = 1e20f * one; int converted = (int)f; (void)converted; int zero = one - 1; bool b; memset(&b, 3 * one, 1); printf("%d\n", b); int a[3] = {1, 2, 3}; printf("%d\n", a[2 + one] == 0); printf("%d\n", zero); }
    else if (is("alignment")) { char b[16] = {}; printf("%d\n", *(int *)(b + one)); Virtual *v = nullptr; printf("%d\n", v->x); }
    return 0;
}
END
# The first words of each report, without addresses, and where in the program it is.
report() { grep -a -v '^  \? \?#.*\(libc\|crt\|/lib/\|sanitizer\|rtl\)' err | sed 's/0x[0-9a-f]*/X/g; s/==[0-9]*==//; s/pid=[0-9]*/pid/; s/BuildId: [0-9a-f]*//; s/(.*\/[abc]+X)//; s/T[0-9]*$//' | grep -a '^ERROR\|WARNING\|^SUMMARY\|runtime error\|^READ\|^WRITE\|^  *#[0-3].* in .*c\.cc\|Direct\|is located' | sed 's/ (\/tmp.*//; s/pc X bp X sp X.*//; s/ at .c X//; s/ on address X//' | head -"$1"; }
once() { { timeout 60 ./c "$1" > out 2> err; } 2> /dev/null; echo "$1: $?"; head -12 out; report "${2:-5}"; }
clang++ -g -O1 -fsanitize=address -o c c.cc -pthread && for how in fine heap after double stack global string thread mismatch leak null; do once $how; done; once overflow 1
ASAN_OPTIONS=detect_stack_use_after_return=1 once return; ASAN_OPTIONS=halt_on_error=0:detect_leaks=0 once leak
clang++ -g -O1 -fsanitize=undefined -fno-sanitize-recover=null -o c c.cc -pthread && for how in fine alignment integer; do once $how 9; done
clang++ -O1 -fsanitize=undefined -fsanitize-trap=undefined -o c c.cc -pthread && once integer | sed 's/13[23]/trap/'; clang++ -g -O1 -fsanitize=leak -o c c.cc -pthread && once leak && once fine
# MemorySanitizer of LLVM 16 and later wants 48 bits of addresses.
clang++ -g -O1 -fsanitize=thread -o c c.cc -pthread && for how in fine race lock; do once $how 1; done
case $(clang++ --version) in *'version 14.'*) clang++ -g -O1 -fsanitize=memory -o c c.cc -pthread && for how in fine uninit; do once $how 1; done ;; esac
