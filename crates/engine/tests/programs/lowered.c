// A limit of the address space that is lowered below what is mapped, after a fork and before
// others: parents and children go on, and write code.
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OFTEN = 300, ROOM = 64 };

static unsigned *code;

// Writes a function that returns a number, and calls it until it is translated.
static void function(int at, unsigned number)
{
    unsigned *to = code + at * ROOM;
    to[0] = 0x52800000 | number << 5; // MOV W0, #number
    to[1] = 0xd65f03c0;               // RET
    __builtin___clear_cache((char *)to, (char *)(to + 2));
    for (int n = 0; n < OFTEN; n++)
        if (((unsigned (*)(void))to)() != number)
            _exit(9);
}

static void child(unsigned number)
{
    pid_t made = fork();
    if (made == 0) {
        function(1, number);
        function(0, number);
        if (number % 2 == 0)
            child(number + 1);
        _exit(0);
    }
    int status;
    if (waitpid(made, &status, 0) != made || status != 0)
        printf("child %u: %x\n", number, status);
}

int main(void)
{
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    function(0, 1);
    child(2);
    struct rlimit before, none;
    getrlimit(RLIMIT_AS, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_AS, &none);
    function(0, 4);
    puts("parent");
    fflush(stdout);
    for (unsigned number = 6; number < 12; number += 2) {
        child(number);
        function(0, number);
    }
    puts("children");
    fflush(stdout);
    setrlimit(RLIMIT_AS, &before);
    child(12);
    function(1, 14);
    puts("again");
}
