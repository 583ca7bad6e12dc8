#!/bin/bash
# Inside the machine: says that it is up, then runs each script that is sent and
# sends back exit code, stdout and stderr. See ../machine.rs.
until exec 3<>/dev/virtio-ports/armistice; do sleep 1; done
printf 'READY %s\n' "$(cat /proc/sys/kernel/random/boot_id)" >&3
at=/run/armistice-agent
mkdir -p $at
while read -r word length <&3; do
    [ "$word" = RUN ] || continue
    head -c "$length" <&3 >$at/script
    bash -e $at/script </dev/null >$at/out 2>$at/err 3>&-
    printf 'DONE %s %s %s\n' $? "$(stat -c %s $at/out)" "$(stat -c %s $at/err)" >&3
    cat $at/out $at/err >&3
done
