# packages: python3 bookworm:libpython3.11-testsuite trixie:libpython3.13-testsuite
# ci
# A few files of CPython's own tests; `cargo xtask suites --only cpython` runs all.
for test in test_fcntl test_float test_mmap test_posix test_pty test_select test_struct; do
    echo "$test: $(python3 -m test -v --timeout 500 "$test" > log 2>&1; echo $?)" \
        "$(grep -E '^(OK|FAILED)' log)"
    grep -E '^(FAIL|ERROR):' log | sort
done
