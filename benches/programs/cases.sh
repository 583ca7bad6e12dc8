# What configure scripts are made of: cases, expansions, arithmetic, functions.
kind() {
    case $1 in
        *[!0-9]*) echo word ;;
        *5) return 5 ;;
        *) return 0 ;;
    esac
}
n=0
sum=0
while [ "$n" -lt 30000 ]; do
    n=$((n + 1))
    name=file-$n.c
    base=${name%.c}
    kind "${base#file-}" || sum=$((sum + $?))
done
echo "$sum"
