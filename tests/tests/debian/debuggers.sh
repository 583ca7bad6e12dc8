# packages: gdb strace gcc libc6-dev
# Debuggers inside: strace and gdb trace programs, on arm64 as on amd64, and leave nothing
# behind. What is printed is whether that came out. What gdb does without ptrace is compared.
export LC_ALL=C DEBUGINFOD_URLS=
printf '#include <stdio.h>\nint twice(int n) { return n * 2; }\nint main(void) { printf("%%d\\n", twice(21)); return 3; }\n' > a.c; gcc -g -o a a.c
# told NAME STATUS TEXT COMMAND...
told() { name=$1 status=$2 text=$3; shift 3; timeout 120 "$@" > out 2>&1 < /dev/null; got=$?; if [ $got = "$status" ] && grep -qF -e "$text" out; then echo "$name: as it must be"; else echo "$name: $got"; cat out; fi; }
sleep 1000 & p=$!
told strace 3 'exited with 3 +++' strace ./a
told 'strace -f' 3 'exited with 3 +++' strace -f sh -c ./a\;exit\ 3
told 'strace -p' 124 'attached' timeout 2 strace -p $p
told 'gdb run' 0 '#1  0x' gdb -batch -nx -ex 'break twice' -ex run -ex bt -ex 'print n' -ex kill ./a
told 'gdb -p' 0 'detached' gdb -batch -nx -p $p -ex detach
kill -0 $p && kill $p; wait $p 2> /dev/null; echo $?; ./a; echo $?
gdb -batch -nx -ex 'print twice' -ex 'print sizeof(struct _IO_FILE)' -ex 'info line main' -ex 'list twice' -ex 'ptype main' ./a 2>&1 | sed 's/0x[0-9a-f]*/X/g; s/<main.*>//'
gdb -batch -nx -ex 'python print(sum(n * n for n in range(100)), gdb.lookup_global_symbol("twice").type)' ./a; { sh -c 'ulimit -c 0; kill -SEGV $$'; } 2> /dev/null; echo $?
