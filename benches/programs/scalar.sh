# Compiles scalar.c and runs it. Each operation is rounded to double precision: 80 bits of i386's
# older unit, or a fused multiplication, would print other digits.
case $(gcc -dumpmachine) in
    i686-*) sse="-msse2 -mfpmath=sse" ;;
esac
gcc -O2 -ffp-contract=off ${sse-} -o /tmp/scalar scalar.c -lm && /tmp/scalar
