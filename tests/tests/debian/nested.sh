# packages: valgrind qemu-user gcc libc6-dev
# Programs that translate programs, on the engine: Valgrind, and QEMU.
export LC_ALL=C.UTF-8
cat > v.c <<'END'
#include <stdlib.h>
#include <stdio.h>
#include <pthread.h>
static void *f(void *p) { return p; }
int main(int argc, char **argv) { int *p = malloc(40); p[10] = 1; if (argc > 1 && p[3]) puts("uninitialised"); pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); return 0; }
END
gcc -g -O0 -o v v.c; timeout 200 valgrind --leak-check=full --error-exitcode=9 ./v a 2>&1 | sed 's/^==[0-9]*==/==/' | sed 's/0x[0-9A-Fa-f]*: /X: /; s/0x[0-9a-f]*/X/' | grep 'main\|Invalid\|depends\|after a block\|SUMMARY\|lost'; echo "${PIPESTATUS[0]}"
printf 'int puts(const char *); int main(void) { puts("from inside"); return 4; }\n' > n.c
gcc -static -o n n.c; gcc -O2 -o m n.c; for p in ./n ./m; do timeout 60 "qemu-$(uname -m)" $p; echo $?; done; timeout 60 "qemu-$(uname -m)" /bin/sh -c 'echo $((6 * 7)); seq 3 | sort -r; exit 5'; echo $?
