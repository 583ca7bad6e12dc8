// Becomes the program that its arguments say, behind variables that it sets (NAME=VALUE).
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    for (; argc > 1 && strchr(argv[1], '='); argc--, argv++)
        putenv(argv[1]);
    if (argc > 1)
        execv(argv[1], argv + 1);
    return 9;
}
