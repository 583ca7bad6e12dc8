# packages:
# ci
# Coreutils, findutils, sed, grep, diff: each prints what it computes.
export LC_ALL=C TZ=UTC
seq 1 20000 > numbers
md5sum numbers; sha1sum numbers; sha224sum numbers; sha256sum numbers; sha384sum numbers; sha512sum numbers; b2sum numbers; cksum numbers; sum numbers
sort -R --random-source=numbers numbers > shuffled; sha256sum shuffled
sort -n shuffled | cmp - numbers && echo sorted
sort --parallel=4 -S 1M -n shuffled | sha256sum; sort -rgk1,1 shuffled | head -3
shuf --random-source=numbers -n 5 numbers
factor 18446744073709551615 1000000007 600851475143 2305843009213693951 18446744073709551557
numfmt --to=iec 123456789 1024 999; numfmt --from=si 1.5M
expr 17 \* 23 + 4; expr abcdef : 'a\(.*\)f'; seq -f '%08.3f' 0 0.125 1
od -A x -t x1z -t fD -N 32 numbers; od -t d4 -N 16 numbers; base64 numbers | tail -1; base32 <<< x; basenc --z85 <<< 'abc'
printf '%s %d %5.2f %e %g\n' text 0x1f 2.345 12345.678 1e-10 1.5
split -n l/7 numbers part-; wc -l part-*; cat part-* | cmp - numbers && echo joined
csplit -s numbers 100 '{3}'; wc -c xx*
paste -d, <(seq 3) <(seq 4 6); join <(seq 1 5) <(seq 3 7); comm -12 <(seq 1 5) <(seq 3 7)
printf 'a b\nb c\nc d\nx d\n' | tsort; tac numbers | head -2; rev <<< stressed; nl <(seq 2); fold -w 5 <<< abcdefghij; fmt -w 20 <<< 'one two three four five six'; pr -t -2 <(seq 4); expand <<< $'a\tb'; unexpand -a <<< 'a       b'
tr -cd 0-4 < numbers | wc -c; cut -c2-3 numbers | uniq -c | sort -rn | head -2; head -c 20 numbers | tail -c 5
date -d '2001-09-09 01:46:40' +%s; date -d @1000000000 '+%F %T %A %j %U'; date -d '2024-02-29 +1 year' +%F
mkdir -p a/b/c; echo content > a/b/file; ln -s b/file a/link; ln a/b/file a/hard; mkfifo a/fifo
touch -d '2020-02-02 02:02:02.123456789' a/b/file; stat -c '%n %s %a %F %h %y' a/b/file; stat -c '%s %a %F %U' a/link a/fifo
cp -a a copy; diff -r --no-dereference a copy 2>&1; find copy -printf '%P %y %m %l\n' | sort
chmod u+s,g-w a/b/file; stat -c %A a/b/file; install -m 600 a/b/file installed; stat -c %a installed; chown 12:34 installed; stat -c %u:%g installed
mv copy moved; rmdir a/b/c; rm -r moved; ls -laR --time-style=+%s a | sed 's/^total.*//; s/ 1[0-9]\{9\} / T /'
dd if=/dev/zero of=zero bs=4k count=256 2>/dev/null; truncate -s 3M zero; stat -c %s zero; du --apparent-size zero; cmp zero /dev/zero 2>&1 | sed 's/,.*//'
dd if=numbers of=part bs=1 skip=10 count=7 conv=swab,ucase status=none; od -c part
timeout 0.2 sleep 10; echo "timeout: $?"; { timeout -s KILL 0.2 sleep 10; } 2> /dev/null; echo "killed: $?"; timeout 5 false; echo "false: $?"
env -i A=1 env; env -S 'X=2 printenv X'; nice -n 5 nice; nohup true 2>/dev/null; echo $?
(sleep 0.3; echo late >> tailed) & echo early > tailed; tail -f --pid=$! -s 0.1 tailed; wait
test -x /bin/sh -a ! -e nothing; echo $?; readlink -f a/link | sed 's/.*case//'; realpath --relative-to=a/b a/link; basename /x/y.z .z; dirname /x/y; pathchk -p 'a*b'; echo $?
mktemp -d tmp.XXXXXX | wc -c; tee copy1 copy2 < part | wc -c; id -u; id -un; groups; logname 2>&1; tty; who | wc -l; arch | wc -l; nproc | wc -w
yes | head -100000 | sha1sum; seq 100000 | awk '{s+=$1*$1; t+=sqrt($1)} END {printf "%d %.6f\n", s, t}'
sed -E 's/(.)(.)/\2\1/g; 3!d' numbers | head; sed -n '$=' numbers; grep -c '7$' numbers; grep -oE '[0-9]{3}5' numbers | sort -u | wc -l; grep -P '^(\d)\1+$' numbers | head -30 | tr '\n' ' '; grep -r content a 2>/dev/null -l --exclude=fifo -D skip | sort
diff -u <(seq 10) <(seq 2 11) | tail -n +3; seq 10 > old; seq 2 11 > new; diff -u old new > d; patch -s old < d 2>/dev/null || echo "no patch"
find / -xdev -maxdepth 1 -type d | sort; find /etc -name '*.conf' -size -4k -not -path '*ld.so*' | sort | head; seq 30 | xargs -n 7 -P 3 echo | sort | sha1sum; seq 3 | xargs -I{} echo '<{}>'
dircolors -b | sha1sum; ptx <<< 'some words' | head -2; link part hardlink && unlink hardlink; sync part; stdbuf -oL echo unbuffered; [ 1 -lt 2 ]; echo $?; sleep 0.01
