// Writes a function, runs it, writes another in its place, runs that: exits
// with 0 when each time the newest ran. Once in memory that is writable and
// executable, and once with mprotect in between.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

typedef int function(void);

static void write_function(uint32_t *code, uint32_t value) {
#ifdef __aarch64__
    code[0] = 0x52800000 | value << 5; // mov w0, #value; ret
    code[1] = 0xd65f03c0;
#else
    code[0] = 0xe3000000 | (value & 0xf000) << 4 | (value & 0xfff); // movw r0, #value; bx lr
    code[1] = 0xe12fff1e;
#endif
    __builtin___clear_cache((char *)code, (char *)(code + 2));
}

// The same call, so that what links it must forget.
__attribute__((noinline)) static int call(uint32_t *code) {
    return ((function *)code)();
}

int main(void) {
    uint32_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        return 1;
    for (uint32_t value = 0; value < 1000; value++) {
        write_function(code, value);
        if (call(code) != (int)value)
            return 2;
    }
    for (uint32_t value = 0; value < 100; value++) {
        if (mprotect(code, 4096, PROT_READ | PROT_WRITE))
            return 3;
        write_function(code, value);
        if (mprotect(code, 4096, PROT_READ | PROT_EXEC))
            return 4;
        if (call(code) != (int)value)
            return 5;
    }
    return 0;
}
