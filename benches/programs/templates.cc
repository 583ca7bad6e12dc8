#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

template <typename T> class Tree {
    std::map<T, std::unique_ptr<Tree>> children;

  public:
    void add(const std::vector<T> &path)
    {
        Tree *at = this;
        for (const T &part : path) {
            auto &child = at->children[part];
            if (!child)
                child = std::make_unique<Tree>();
            at = child.get();
        }
    }
    void each(const std::function<void(const T &, int)> &visit, int depth = 0) const
    {
        for (const auto &[name, child] : children) {
            visit(name, depth);
            child->each(visit, depth + 1);
        }
    }
};

int main()
{
    Tree<std::string> tree;
    std::regex parts("[^/]+");
    for (std::string line; std::getline(std::cin, line);) {
        std::vector<std::string> path(std::sregex_token_iterator(line.begin(), line.end(), parts), {});
        tree.add(path);
    }
    tree.each([](const std::string &name, int depth) { std::cout << depth << name << '\n'; });
}
