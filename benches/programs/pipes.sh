# What build scripts are made of: short programs, pipes, substitutions.
n=0
while [ "$n" -lt 60 ]; do
    n=$((n + 1))
    name=$(basename "/a/b/file-$n.c" .c)
    echo "$name" | sed 's/file-/object-/' | tr a-z A-Z > "/tmp/$name"
    [ -s "/tmp/$name" ] && cat "/tmp/$name" > /dev/null
    expr "$n" \* 2 > /dev/null
done
cat /tmp/file-* | sort | tail -1
