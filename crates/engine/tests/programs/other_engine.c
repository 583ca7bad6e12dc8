// An engine that is registered for programs of another architecture: it says which one it was to run.
#include <stdio.h>

int main(int argc, char **argv) {
    // The path, behind the flag P's argument 0 or not.
    printf("another engine: %s\n", argc > 1 ? argv[1] : "none");
    return 3;
}
