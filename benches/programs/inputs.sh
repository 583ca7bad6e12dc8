# Makes what is too large to be kept: natively, the same for both architectures.
# In the folder that is /mnt in both, which has the sources.
set -eu
cd "$1"

# A text of 6 MB, in words that repeat as a language's do.
awk 'BEGIN {
    split("the of and to a in is that it was for on are as with his they at be this from have or by one had not but " \
        "what all were when we there can an your which their said if do will each about how up out them then she many " \
        "some so these would other into has more her two like him see time could no make than first been its who now " \
        "people my made over did down only way find use may water long little very after words called just where most " \
        "know copyright license warranty permission software notice distribution source binary form without", words, " ")
    count = length(words)
    seed = 7
    while (bytes < 6000000) {
        line = ""
        seed = (seed * 16807) % 2147483647
        n = 4 + seed % 10
        for (i = 0; i < n; i++) {
            seed = (seed * 16807) % 2147483647
            rank = int(count * (seed / 2147483647) ^ 2) + 1
            word = words[rank]
            if (seed % 17 == 0) word = toupper(substr(word, 1, 1)) substr(word, 2)
            if (seed % 61 == 0) word = word seed % 1000
            line = line (i ? " " : "") word
        }
        print line
        bytes += length(line) + 1
        if (seed % 23 == 0) { print ""; bytes++ }
    }
}' > text

# Sixty small C files and a Makefile.
mkdir many
objects=
for n in $(seq 60); do
    cat > "many/part$n.c" <<C
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int part$n(const char *word, int number)
{
    char buffer[64];
    int sum = 0;
    snprintf(buffer, sizeof buffer, "%s-%d-$n", word, number);
    for (char *at = buffer; *at; at++)
        sum = sum * 31 + (*at ^ $n);
    switch (sum & 3) {
    case 0: return abs(sum % $((n + 7)));
    case 1: return (int)strlen(buffer) * $n;
    case 2: return part$n(word + 1 - !*word, number + 1) + 1;
    default: return number - $n;
    }
}
C
    objects="$objects part$n.o"
done
{
    echo '#include <stdio.h>'
    for n in $(seq 60); do echo "int part$n(const char *, int);"; done
    echo 'int main(void) { long sum = 0;'
    for n in $(seq 60); do echo "sum += part$n(\"word\", $n);"; done
    echo 'printf("%ld", sum); return 0; }'
} > many/main.c
printf 'CFLAGS = -O1\nall: main.o%s\n\t$(CC) -o $@ $^\n' "$objects" > many/Makefile

# A repository with some history.
mkdir repository
cd repository
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
git -c init.defaultBranch=main init --quiet
cp -r ../zlib/. ../many .
git add --all
git commit --quiet --message start
for n in $(seq 40); do
    echo "/* $n */" >> "many/part$n.c"
    git commit --quiet --all --message "change $n"
done
cd ..

openssl genrsa -out key.pem 4096 2> /dev/null
chown -R 0:0 .
