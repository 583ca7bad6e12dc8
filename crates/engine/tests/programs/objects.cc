// C++: streams, containers, exceptions, thread-local and static objects.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Loud {
    std::string name;
    explicit Loud(std::string name) : name(std::move(name)) {}
    ~Loud() { std::cout << "~" << name << "\n"; }
};

static Loud at_exit("static");
thread_local int counter = 5;

static int depth(int n) {
    Loud loud("depth " + std::to_string(n));
    if (n == 0)
        throw std::out_of_range("bottom");
    return depth(n - 1) + 1;
}

int main() {
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), -500);
    std::sort(numbers.begin(), numbers.end(), [](int a, int b) { return a * a % 337 < b * b % 337 || (a * a % 337 == b * b % 337 && a < b); });
    long sum = 0;
    for (size_t i = 0; i < numbers.size(); i++)
        sum += long(i) * numbers[i];
    std::cout << "sum " << sum << "\n";
    std::map<std::string, int> words;
    std::istringstream text("one two three two one two");
    for (std::string word; text >> word;)
        words[word]++;
    for (auto &[word, count] : words)
        std::cout << word << " " << count << "\n";
    try {
        depth(2);
    } catch (const std::exception &error) {
        std::cout << "caught " << error.what() << "\n";
    }
    std::cout << ++counter << " " << 1.0 / 3 << " " << std::hex << 255 << std::endl;
    auto shared = std::make_shared<Loud>("shared");
    return 0;
}
