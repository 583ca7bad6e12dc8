# packages: cmake ninja-build gcc g++ libc6-dev make autoconf automake libtool bison flex m4
# Other builders: CMake with Make and Ninja, autoconf, libtool, bison, flex.
export LC_ALL=C
mkdir c; cat > c/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.13)
project(case C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(Threads REQUIRED)
include(CheckFunctionExists)
check_function_exists(strlcpy_never HAVE_NEVER)
check_function_exists(memfd_create HAVE_MEMFD)
message(STATUS "never '${HAVE_NEVER}' memfd '${HAVE_MEMFD}' size ${CMAKE_SIZEOF_VOID_P}")
add_library(greet SHARED greet.cc)
add_executable(hello main.cc)
target_link_libraries(hello greet Threads::Threads)
enable_testing()
add_test(NAME hello COMMAND hello)
install(TARGETS hello greet)
END
printf '#include <string>\nstd::string greet(int n) { return "hello " + std::to_string(n); }\n' > c/greet.cc
printf '#include <iostream>\n#include <string>\n#include <thread>\nstd::string greet(int);\nint main() { std::string s; std::thread([&] { s = greet(42); }).join(); std::cout << s << std::endl; }\n' > c/main.cc
for generator in 'Unix Makefiles' Ninja; do
    rm -rf b i; cmake -G "$generator" -S c -B b -DCMAKE_INSTALL_PREFIX="$PWD/i" > log 2>&1; echo "$generator: $?"; grep memfd log
    cmake --build b -j3 > log 2>&1; echo $?; b/hello; (cd b && ctest 2>&1 | grep 'tests passed'); cmake --install b > log; find i -type f | sed 's/.*-linux-gnu//' | sort
done
mkdir a; cd a
cat > configure.ac <<'END'
AC_INIT([case], [1.0])
AM_INIT_AUTOMAKE([foreign])
LT_INIT([disable-static])
AC_PROG_CC
AC_PROG_LEX([noyywrap])
AC_PROG_YACC
AC_CHECK_HEADERS([sys/epoll.h nonexistent.h])
AC_CHECK_FUNCS([mmap fork no_such_function])
AC_CHECK_SIZEOF([void *])
AC_C_BIGENDIAN
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
cat > Makefile.am <<'END'
lib_LTLIBRARIES = libcalc.la
libcalc_la_SOURCES = calc.y lex.l
AM_YFLAGS = -d
BUILT_SOURCES = calc.h
bin_PROGRAMS = calc
calc_SOURCES = main.c
calc_LDADD = libcalc.la
TESTS = test.sh
EXTRA_DIST = test.sh
END
cat > calc.y <<'END'
%{
#include <stdio.h>
int yylex(void); void yyerror(const char *s) { printf("%s\n", s); }
%}
%token NUM
%left '+' '-'
%left '*' '/'
%%
lines: | lines e '\n' { printf("%d\n", $2); } | lines error '\n' { yyerrok; };
e: NUM | e '+' e { $$ = $1 + $3; } | e '-' e { $$ = $1 - $3; } | e '*' e { $$ = $1 * $3; } | e '/' e { $$ = $3 ? $1 / $3 : 0; } | '(' e ')' { $$ = $2; };
%%
END
printf '%%{\n#include <stdlib.h>\n#include "calc.h"\n%%}\n%%%%\n[0-9]+ { yylval = atoi(yytext); return NUM; }\n[ \\t] ;\n.|\\n return *yytext;\n%%%%\nint yywrap(void) { return 1; }\n' > lex.l
printf 'int yyparse(void);\nint main(void) { return yyparse(); }\n' > main.c; printf '#!/bin/sh\ntest "$(echo "1+2*(3+4)" | ./calc)" = 15\n' > test.sh; chmod +x test.sh
autoreconf -i > log 2>&1; echo "autoreconf: $?"; ./configure > log 2>&1; echo "configure: $?"
grep -vE '(build|host) system|command to|linker|ld used|[a-z0-9_]+-linux-gnu|ccache|maximum length|nm -B|dependency style' log | sed 's/(cached) //' | sha1sum; make -j3 > log 2>&1; echo "make: $?"; make check 2>&1 | grep -E '^# (TOTAL|PASS)'; printf '2*3+4\n(1+\n9/3\n' | ./calc; make distcheck > log 2>&1; echo "distcheck: $?"; m4 -DX=5 <<< 'eval(X*7) ifdef(X, yes, no)'
