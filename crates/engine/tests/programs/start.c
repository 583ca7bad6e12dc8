// What a program sees of its start: arguments, environment, auxiliary vector.
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int argc, char **argv) {
    printf("%d arguments:", argc);
    for (int i = 0; i < argc; i++)
        printf(" <%s>", argv[i]);
    printf("\nCOLOUR=%s\n", getenv("COLOUR"));
    printf("page %lu, ticks %lu, platform %s\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
           (char *)getauxval(AT_PLATFORM));
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long loaded = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        loaded += headers[i].p_type == PT_LOAD;
    printf("headers %s, of %lu bytes\n", loaded > 0 ? "found" : "missing", getauxval(AT_PHENT));
    const uint64_t *random = (const uint64_t *)getauxval(AT_RANDOM);
    printf("random %s\n", random[0] != 0 && random[0] != random[1] ? "yes" : "no");
    printf("user %s\n", getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid() ? "same" : "other");
    printf("file %s\n", strrchr((char *)getauxval(AT_EXECFN), '/'));
    extern char _start[];
    printf("entry %s\n", getauxval(AT_ENTRY) == (unsigned long)_start ? "same" : "other");
    printf("has fp %lu, asimd %lu\n", getauxval(AT_HWCAP) & 1, getauxval(AT_HWCAP) >> 1 & 1);
    // The vector begins behind the environment's null, and has no gaps.
    extern char **environ;
    char **end = environ;
    while (*end)
        end++;
    printf("vector");
    for (Elf64_auxv_t *entry = (Elf64_auxv_t *)(end + 1); entry->a_type != AT_NULL; entry++)
        printf(" %lu", entry->a_type);
    printf("\n");
    fprintf(stderr, "to standard error\n");
    return argc + 40;
}
