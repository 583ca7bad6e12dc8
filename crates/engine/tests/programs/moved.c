// Ranges with holes that are moved: what a hole would come to stays as it is,
// with the right to execute that it had (Linux 6.17; before, EFAULT).
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 6 };

#ifdef __aarch64__
static const uint32_t code[] = {0x52800540, 0xd65f03c0}; // mov w0, 42; ret
#else
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
#endif

static void show(const char *which, char *start) {
  printf("%s:", which);
  for (int page = 0; page < PAGES; page++) {
    char line[512], rights[8] = "none";
    unsigned long from, to, at = (unsigned long)start + page * PAGE;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
      char found[8];
      if (sscanf(line, "%lx-%lx %7s", &from, &to, found) == 3 && from <= at && at < to)
        strcpy(rights, found);
    }
    fclose(maps);
    printf(" %s", rights);
  }
  printf("\n");
}

int main(void) {
  int all = PROT_READ | PROT_WRITE | PROT_EXEC;
  int own = MAP_PRIVATE | MAP_ANONYMOUS;
  char *from = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, own, -1, 0);
  char *to = mmap(0, PAGES * PAGE, all, own, -1, 0);
  mmap(from + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC, own | MAP_FIXED, -1, 0);
  munmap(from + PAGE, PAGE);
  munmap(from + 4 * PAGE, 2 * PAGE);
  for (int page = 0; page < PAGES; page++) {
    memcpy(to + page * PAGE, code, sizeof code);
    __builtin___clear_cache(to + page * PAGE, to + page * PAGE + sizeof code);
  }
  int sum = 0;
  for (int page = 0; page < PAGES; page++) sum += ((int (*)(void))(to + page * PAGE))();
  char *moved = mremap(from, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  if (moved == MAP_FAILED) {
    printf("refused: %d\n", errno == EFAULT);
    return 0;
  }
  show("from", from);
  show("to", to);
  for (int page = 1; page < PAGES; page++)
    if (page != 2 && page != 3) sum += ((int (*)(void))(to + page * PAGE))();
  printf("%d\n", sum);
  return 0;
}
