# packages: gcc g++ libc6-dev make
# GCC: C and C++ compiled at each level, linked (static, shared, LTO, PIE), run.
export LC_ALL=C
cat > a.c <<'END'
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static jmp_buf env;
static int sum(int n, ...) { va_list v; va_start(v, n); int s = 0; while (n--) s += va_arg(v, int); va_end(v); return s; }
static int compare(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }
static uint64_t hash(const unsigned char *p, size_t n) { uint64_t h = 0xcbf29ce484222325; while (n--) h = (h ^ *p++) * 0x100000001b3; return h; }
struct mixed { char c; double d; float f[3]; short s; };
static struct mixed twice(struct mixed m) { m.d *= 2; m.f[1] += m.f[2]; m.s = -m.s; return m; }
__thread int local = 5;
int main(int argc, char **argv) {
    double d[1000]; uint32_t r = 1;
    for (int i = 0; i < 1000; i++) { r = r * 1664525 + 1013904223; d[i] = (int32_t)r / 65536.0; }
    qsort(d, 1000, sizeof *d, compare); printf("%.6f %.6f %016lx\n", d[0], d[999], (unsigned long)hash((void *)d, sizeof d));
    struct mixed m = twice((struct mixed){'x', 1.25, {1, 2, 3}, 77}); printf("%c %g %g %d\n", m.c, m.d, m.f[1], m.s);
    int volatile n = 0; if (setjmp(env) < 3) { n++; longjmp(env, n); } printf("%d %d\n", n, sum(4, 1, 2, 3, 4));
    double complex z = cexp(I * M_PI); printf("%.3f %.3f\n", creal(z), cimag(z) + 0.0001);
    int matrix[32][32], product[32][32] = {0}; for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) matrix[i][j] = i * j % 7;
    for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) for (int k = 0; k < 32; k++) product[i][j] += matrix[i][k] * matrix[k][j];
    printf("%016lx\n", (unsigned long)hash((void *)product, sizeof product));
#ifdef __SIZEOF_INT128__
    unsigned __int128 w = (unsigned __int128)-1 / 12345678901234567ull; printf("%llu %llu\n", (unsigned long long)(w >> 64), (unsigned long long)w);
#else
    puts("1494 3436322539795156275");
#endif
    float f = 0; for (int i = 1; i < 10000; i++) f += 1.0f / i; printf("%.6f %d %d %d\n", f, __builtin_popcountll(r), __builtin_clz(r), (int)strlen(argv[0]) > 0);
    char text[64]; snprintf(text, sizeof text, "%s-%05d-%x", "abc", 42, 0xbeef); puts(strrchr(text, '-')); return local + argc;
}
END
for flags in -O0 -O1 -O2 -O3 -Os '-O2 -flto' '-O2 -static' '-O2 -no-pie' '-O2 -g -fsanitize=undefined' '-O3 -fno-inline -ffast-math -fopenmp' '-Og -fstack-protector-all -D_FORTIFY_SOURCE=2'; do
    case $flags in *fast-math*) gcc $flags -o a a.c -lm; ./a > out; echo "$flags: $? $(wc -l < out)";; *) gcc $flags -o a a.c -lm && ./a; echo "$flags: $?";; esac
done
cat > b.cc <<'END'
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>
struct Noisy { std::string name; ~Noisy() { std::cout << "gone " << name << '\n'; } };
struct Base { virtual ~Base() = default; virtual int f() const = 0; };
struct One : virtual Base { int f() const override { return 1; } };
struct Two : One { int f() const override { return 2 + One::f(); } };
template <typename T> T fold(std::vector<T> v) { return std::accumulate(v.begin(), v.end(), T{}); }
int thrower(int n) { Noisy noisy{"frame " + std::to_string(n)}; if (n == 0) throw std::out_of_range("deep"); return thrower(n - 1) + 1; }
int main() {
    try { thrower(3); } catch (const std::logic_error &e) { std::cout << "caught " << e.what() << '\n'; }
    try { try { std::vector<int>(3).at(7); } catch (...) { std::throw_with_nested(std::runtime_error("outer")); } } catch (const std::exception &e) { std::cout << e.what() << '\n'; try { std::rethrow_if_nested(e); } catch (const std::exception &i) { std::cout << "nested\n"; } }
    try { std::unique_ptr<Base> b = std::make_unique<Two>(); std::cout << b->f() << ' ' << (dynamic_cast<Two *>(b.get()) != nullptr) << '\n'; Base *none = nullptr; (void)typeid(*none); } catch (const std::bad_typeid &) { std::cout << "bad typeid\n"; }
    std::atomic<int> total{0}; std::vector<std::thread> threads; std::mutex m; std::map<int, int> seen;
    for (int n = 0; n < 6; n++) threads.emplace_back([&, n] { for (int i = 0; i < 1000; i++) { total += n; std::lock_guard lock(m); seen[i % 10]++; } }); for (auto &t : threads) t.join();
    std::cout << total << ' ' << seen[3] << '\n';
    auto f = std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); }); try { f.get(); } catch (const std::exception &e) { std::cout << e.what() << '\n'; }
    std::promise<std::string> p; std::thread t([&] { p.set_value("promised"); }); std::cout << p.get_future().get() << '\n'; t.join();
    std::mt19937_64 random(42); std::normal_distribution<> normal; double sum = 0; for (int i = 0; i < 1000; i++) sum += normal(random); std::cout << std::setprecision(12) << sum << ' ' << random() << '\n';
    std::unordered_map<std::string, int> words; std::istringstream in("a b a c b a"); for (std::string w; in >> w;) words[w]++; std::cout << words["a"] << words.size() << '\n';
    std::smatch match; std::string s = "key=value; other=thing"; std::regex re("(\\w+)=(\\w+)"); while (std::regex_search(s, match, re)) { std::cout << match[2] << ' '; s = match.suffix(); } std::cout << '\n';
    std::variant<int, std::string> v = "text"; std::visit([](auto &x) { std::cout << x << '\n'; }, v); std::cout << fold<double>({1.5, 2.5}) << fold<std::string>({"a", "b"}) << '\n';
    std::function<long(long)> fib = [&](long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }; std::cout << fib(20) << '\n'; std::cout << std::filesystem::exists("b.cc") << std::filesystem::file_size("b.cc") / 100000 << '\n';
    std::cout.flush(); std::terminate();
}
END
for flags in '-std=c++17 -O0' '-std=c++17 -O2' '-std=c++20 -O3 -flto' '-std=c++20 -O2 -static'; do g++ $flags -Wno-psabi -o b b.cc -pthread && ./b 2> err; echo "$flags: $?"; done 2>&1 | grep -v Aborted
mkdir lib; for n in $(seq 12); do printf '#include <stdio.h>\nint f%s(int x) { static int c; return x * %s + c++; }\n' "$n" "$n" > lib/f"$n".c; done
{ for n in $(seq 12); do echo "int f$n(int);"; done; echo '#include <stdio.h>'; echo 'int main(void) { long s = 0;'; for n in $(seq 12); do echo "s += f$n(s) + f$n($n);"; done; echo 'printf("%ld\n", s); }'; } > lib/main.c
cat > lib/Makefile <<'END'
OBJECTS = $(patsubst %.c,%.o,$(filter-out main.c,$(wildcard f*.c)))
all: static shared
static: main.o libf.a ; $(CC) -o $@ $^
libf.a: $(OBJECTS) ; $(AR) rc $@ $?
libf.so: $(OBJECTS) ; $(CC) -shared -o $@ $^
shared: main.o libf.so ; $(CC) -o $@ main.o -L. -lf -Wl,-rpath,'$$ORIGIN'
%.o: %.c ; $(CC) -O2 -fPIC -c -o $@ $<
clean: ; rm -f *.o libf.* static shared
END
make -s -j4 -C lib && lib/static && lib/shared; make -C lib -j4 2>&1 | sed "s/'.*case/'/"; touch lib/f3.c; make -C lib -n | wc -l; make -s -C lib clean; make -s -C lib -j1 shared && lib/shared; make -C lib nothing 2>&1 | sed 's/Entering.*//; s/Leaving.*//'; echo "${PIPESTATUS[0]}"
printf 'int main(void) { return undeclared; }\n' > bad.c; gcc bad.c 2>&1 | head -3; printf 'int f(void); int main(void) { return f(); }\n' > bad.c; gcc bad.c 2>&1 | sed 's/.*ld/ld/; s/text+[^)]*/text/; s/cc[A-Za-z0-9]*\.o/X.o/' | tail -2
printf '#include <stdlib.h>\nint main(void) { char *p = malloc(10); free(p); return p[argc()]; }\nint argc(void) { return 0; }' > w.c; gcc -w -O1 -S -o - w.c | grep -c free; nm -D lib/libf.so | grep ' T ' | awk '{print $3}' | sort; strip lib/shared && lib/shared; objdump -f lib/shared | grep -c 'start address'; gcc -print-file-name=libgcc.a | grep -c /; printf 'x\n' | cpp -P -Dx=y
