// Exceptions across frames with destructors: of classes, integers, by
// reference to a base; rethrown, nested, out of constructors, through C's
// qsort, in threads' once-only initialisers, and none at all.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

static int alive, most;

struct Guard {
    int number;
    explicit Guard(int n) : number(n)
    {
        if (++alive > most)
            most = alive;
    }
    Guard(const Guard &other) : number(other.number) { ++alive; }
    ~Guard() { --alive; }
};

struct Base {
    virtual ~Base() = default;
    virtual const char *name() const { return "base"; }
};

struct Left : virtual Base {
    int left = 1;
};

struct Right : virtual Base {
    int right = 2;
};

struct Both : Left, Right {
    const char *name() const override { return "both"; }
};

__attribute__((noinline)) static int deep(int depth, int how)
{
    Guard guard(depth);
    std::string text(static_cast<size_t>(depth), 'x');
    if (depth == 0) {
        switch (how) {
        case 0: throw 42;
        case 1: throw std::runtime_error("deep");
        case 2: throw Both();
        case 3: throw std::string("text");
        case 4: return static_cast<int>(std::vector<int>().at(3));
        case 5: { volatile size_t much = static_cast<size_t>(-1) / 4; return static_cast<int *>(operator new(much))[0]; }
        case 6: throw static_cast<const char *>("pointer");
        default: return 0;
        }
    }
    return deep(depth - 1, how) + guard.number + static_cast<int>(text.size());
}

__attribute__((noinline)) static void caught(int depth, int how)
{
    try {
        Guard outer(1000);
        std::printf("%d\n", deep(depth, how));
    } catch (int value) {
        std::printf("int %d", value);
    } catch (const Left &left) {
        std::printf("left of %s %d", left.name(), left.left);
    } catch (const std::out_of_range &) {
        std::printf("range");
    } catch (const std::exception &error) {
        std::printf("exception %s", how == 5 ? "of memory" : error.what());
    } catch (const std::string &text) {
        std::printf("string %s", text.c_str());
    } catch (...) {
        std::printf("something");
    }
    std::printf(", alive %d, most %d\n", alive, most);
}

struct Half {
    Guard first, second;
    explicit Half(bool fail) : first(1), second(2)
    {
        if (fail)
            throw std::logic_error("half");
    }
};

static void rethrown()
{
    try {
        try {
            Guard guard(5);
            throw Both();
        } catch (Right &right) {
            std::printf("right %d of %s; ", right.right, right.name());
            try {
                throw 7;
            } catch (int inner) {
                std::printf("inner %d; ", inner);
            }
            throw;
        }
    } catch (Base &base) {
        std::printf("again %s, alive %d\n", base.name(), alive);
    }
    try {
        std::throw_with_nested(std::runtime_error("outer"));
    } catch (const std::nested_exception &nested) {
        std::printf("nested %s\n", nested.nested_ptr() ? "some" : "none");
    }
}

static int by_number(const void *a, const void *b)
{
    int x = *static_cast<const int *>(a), y = *static_cast<const int *>(b);
    if (x == 13 || y == 13)
        throw x + y;
    return x - y;
}

static Guard &once(bool fail)
{
    static int tries;
    static Guard guard([&] {
        tries++;
        if (fail)
            throw tries;
        return tries;
    }());
    return guard;
}

int main()
{
    for (int how = 0; how < 8; how++)
        caught(how * 7, how);
    try {
        std::unique_ptr<Half[]> none;
        Half good(false);
        std::unique_ptr<Half> bad(new Half(true));
        std::printf("never here\n");
    } catch (const std::logic_error &error) {
        std::printf("%s, alive %d\n", error.what(), alive);
    }
    rethrown();
    try {
        int numbers[] = {5, 13, 2, 8};
        std::qsort(numbers, 4, sizeof numbers[0], by_number);
        std::printf("never here\n");
    } catch (int sum) {
        std::printf("through qsort: %s\n", sum > 13 ? "yes" : "no");
    }
    for (int i = 0; i < 3; i++)
        try {
            std::printf("once %d\n", once(i < 2).number);
        } catch (int tries) {
            std::printf("try %d\n", tries);
        }
    std::function<void(int)> recurse = [&](int depth) {
        Guard guard(depth);
        if (depth == 50)
            throw depth;
        recurse(depth + 1);
    };
    long sum = 0;
    for (int i = 0; i < 1000; i++)
        try {
            recurse(i % 50);
        } catch (int depth) {
            sum += depth + alive;
        }
    std::printf("sum %ld\n", sum);
    try {
        Base *nobody = new Left;
        std::unique_ptr<Base> owner(nobody);
        dynamic_cast<Right &>(*nobody).right = 1;
    } catch (const std::bad_cast &) {
        std::printf("bad cast, %d\n", dynamic_cast<Left *>(static_cast<Base *>(nullptr)) == nullptr);
    }
    return 0;
}
