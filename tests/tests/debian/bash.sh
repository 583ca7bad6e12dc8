# packages:
# ci
# Bash: what scripts use of it, with processes, pipes, traps and jobs.
declare -A map=([one]=1 [two]=2 [three]=3)
for key in $(printf '%s\n' "${!map[@]}" | sort); do echo "$key=${map[$key]}"; done
list=(a "b c" d); echo "${#list[@]} ${list[1]} ${list[@]:1:2}"
echo $((7 ** 13 % 1000003)) $((-17 / 5)) $((-17 % 5)) $((1 << 62)) $((0x7fffffffffffffff + 1))
[[ "2026-11-25" =~ ^([0-9]+)-([0-9]+)-([0-9]+)$ ]] && echo "${BASH_REMATCH[3]}.${BASH_REMATCH[2]}"
text=Armistice; echo "${text,,} ${text^^} ${text:3:4} ${text/mis/MIS} ${text##*r} ${#text}"
printf '%5d|%-8s|%08.3f|%x|%q|%b\n' 42 left 3.14159 255 "a'b c" 'tab\there'
diff <(seq 1 5) <(seq 1 2 9); echo "diff: $?"
mapfile -t lines < <(seq 3); echo "${lines[*]}"
coproc upper { while read -r line; do echo "${line^^}"; done; }
echo hello >&"${upper[1]}"; read -r answer <&"${upper[0]}"; echo "$answer"
eval "exec ${upper[1]}>&-"; wait "$upper_PID"; echo "coproc: $?"
trap 'echo "got USR1"' USR1; kill -USR1 $$; trap - USR1
(trap 'echo bye' EXIT; exit 3); echo "subshell: $?"
for n in 5 3 4; do (exit $n) & done; wait -n; wait; echo "all: $?"
sleep 100 & kill $!; wait $! 2>/dev/null; echo "killed: $?"
{ (kill -SEGV $BASHPID); } 2> /dev/null; echo "segv: $?"
false | true | (exit 7); echo "${PIPESTATUS[@]}"
set -m; (sleep 1; exit 4) & fg %% >/dev/null; echo "fg: $?"; set +m
fib() { local n=$1; ((n < 2)) && { echo "$n"; return; }; echo $(($(fib $((n - 1))) + $(fib $((n - 2))))); }
echo "fib: $(fib 10)"
i=0; while ((i < 20000)); do ((i += 1)); done; echo "loop: $i"
cat <<-END | tr a-z A-Z
	here is a document with $((6 * 7))
	END
read -r -t 0.1 < <(sleep 1); echo "timeout: $(($? > 128))"
exec 5<>/dev/null; echo x >&5; exec 5>&-
shopt -s extglob nullglob
echo {1..5}{a,b} ~root; echo /etc/@(passwd|group) /nothing/*
nosuchcommand 2>&1 | sed 's/^.*line [0-9]*: //'; echo "${PIPESTATUS[0]}"
./not-there 2>/dev/null; echo $?; echo neither > plain; ./plain 2>/dev/null; echo $?
ulimit -n 64; ulimit -n
time -p true 2>/dev/null; type -t time
select x in red green; do echo "$x"; break; done <<< 2 2>/dev/null
