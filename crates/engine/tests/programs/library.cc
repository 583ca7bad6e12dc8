// The C++ library: streams, containers, algorithms, strings, random numbers
// (which the standard defines to the bit), regular expressions, big sorts.
#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

using std::cout;

static void streams()
{
    cout << std::fixed << std::setprecision(3) << 3.14159 << ' ' << std::scientific << 12345.678 << ' '
         << std::defaultfloat << 1e-7 << ' ' << std::hexfloat << 0.1 << std::defaultfloat << '\n';
    cout << std::setw(8) << std::setfill('*') << 42 << std::left << std::setw(6) << -7 << std::right << std::hex
         << std::showbase << 255 << std::oct << 8 << std::dec << std::noshowbase << std::boolalpha << true << '\n';
    std::istringstream in("17 -3.5 word 0x1f rest of it");
    int number = 0, hex = 0;
    double real = 0;
    std::string word, rest;
    in >> number >> real >> word >> std::hex >> hex;
    std::getline(in, rest);
    cout << number << ' ' << real << ' ' << word << ' ' << hex << " [" << rest << "]\n";
    in >> number;
    cout << in.fail() << in.eof() << '\n';
    std::ostringstream out;
    std::copy_n(std::array<int, 4>{1, 2, 3, 4}.begin(), 4, std::ostream_iterator<int>(out, ","));
    cout << out.str() << ' ' << std::quoted("a \"b\"") << ' ' << std::complex<double>(1, -2) << '\n';
}

static void containers()
{
    std::mt19937_64 random(5489);
    std::map<std::string, int> counts;
    std::unordered_map<int, long> squares;
    std::set<int> unique;
    std::multimap<int, std::string> several;
    std::deque<int> both;
    std::list<int> list;
    std::priority_queue<int> heap;
    for (int i = 0; i < 5000; i++) {
        int value = static_cast<int>(random() % 1000);
        counts["n" + std::to_string(value % 50)]++;
        squares[value] += long(value) * i;
        unique.insert(value);
        if (i % 2)
            both.push_front(value);
        else
            both.push_back(value);
        list.push_back(value);
        heap.push(value);
        if (several.size() < 20)
            several.emplace(value % 7, std::to_string(i));
    }
    long sum = 0;
    for (const auto &[value, square] : squares)
        sum += value ^ square;
    cout << counts.size() << ' ' << counts["n7"] << ' ' << squares.size() << ' ' << sum << ' ' << unique.size() << ' '
         << *unique.lower_bound(500) << ' ' << both.front() << ' ' << both[2500] << ' ' << heap.top() << '\n';
    for (const auto &[key, text] : several)
        cout << key << text << ' ';
    cout << '\n';
    list.sort();
    list.unique();
    list.remove_if([](int value) { return value % 3 == 0; });
    list.reverse();
    cout << list.size() << ' ' << list.front() << ' ' << std::accumulate(list.begin(), list.end(), 0L) << '\n';
}

static void algorithms()
{
    std::mt19937 random(1);
    std::vector<unsigned> numbers(50000);
    std::generate(numbers.begin(), numbers.end(), std::ref(random));
    unsigned first = numbers[0], last = numbers.back();
    auto stable = numbers;
    std::sort(numbers.begin(), numbers.end());
    std::stable_sort(stable.begin(), stable.end(), [](unsigned a, unsigned b) { return a % 1000 < b % 1000; });
    cout << first << ' ' << last << ' ' << numbers[25000] << ' ' << stable[25000] << ' ' << std::boolalpha
         << std::is_sorted(numbers.begin(), numbers.end()) << ' '
         << std::binary_search(numbers.begin(), numbers.end(), first) << '\n';
    std::nth_element(stable.begin(), stable.begin() + 100, stable.end());
    cout << (stable[100] == numbers[100]) << ' ' << std::inner_product(numbers.begin(), numbers.begin() + 10, stable.begin(), 0UL)
         << '\n';
    std::string letters = "permute";
    int count = 0;
    do
        count++;
    while (std::next_permutation(letters.begin(), letters.end()));
    cout << count << ' ' << letters << '\n';
    std::vector<std::string> words{"delta", "alpha", "echo", "bravo", "charlie"};
    std::partial_sort(words.begin(), words.begin() + 3, words.end());
    cout << words[0] << ' ' << words[1] << ' ' << words[2] << '\n';
    std::uniform_int_distribution<int> die(1, 6);
    std::array<int, 7> faces{};
    for (int i = 0; i < 6000; i++)
        faces[static_cast<size_t>(die(random))]++;
    for (int face = 1; face <= 6; face++)
        cout << faces[static_cast<size_t>(face)] << ' ';
    std::normal_distribution<double> bell(0, 1);
    double sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += bell(random) > 0;
    cout << sum << '\n';
}

static void others()
{
    std::regex date("(\\d{4})-(\\d\\d)-(\\d\\d)");
    std::string text = "from 2024-02-29 to 2025-12-31, not 24-1-1";
    for (std::sregex_iterator at(text.begin(), text.end(), date), end; at != end; ++at)
        cout << at->str(3) << '.' << at->str(2) << '.' << at->str(1) << ' ';
    cout << std::regex_replace(text, date, "<$1>") << '\n';
    std::variant<int, std::string, double> variant = "text";
    cout << variant.index() << ' ' << std::get<std::string>(variant) << ' ';
    variant = 2.5;
    std::visit([](const auto &value) { cout << value << ' '; }, variant);
    std::optional<int> nothing;
    cout << nothing.value_or(-1) << ' ' << std::get<1>(std::tuple(1, "two", 3.0)) << ' ' << std::bitset<12>(0x5a5) << '\n';
    auto shared = std::make_shared<std::vector<int>>(10, 3);
    std::weak_ptr<std::vector<int>> weak = shared;
    cout << shared.use_count() << weak.expired();
    shared.reset();
    cout << weak.expired() << '\n';
    std::string long_text;
    for (int i = 0; i < 1000; i++)
        long_text += static_cast<char>('a' + i * 7 % 26);
    cout << std::hash<std::string>{}(long_text) << ' ' << long_text.find("xyz") << ' ' << long_text.rfind('m') << ' '
         << long_text.substr(990) << ' ' << std::stod("2.5e3") + std::stol("-77") << '\n';
    cout << std::gcd(1071, 462) << ' ' << std::chrono::duration_cast<std::chrono::minutes>(std::chrono::hours(3)).count()
         << '\n';
}

int main()
{
    streams();
    containers();
    algorithms();
    others();
    return 0;
}
