// Becomes the program that its arguments say.
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc > 1)
        execv(argv[1], argv + 1);
    return 9;
}
