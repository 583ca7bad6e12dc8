# packages: passwd login sudo systemd
# ci
# Users and credentials: useradd, passwd, su and sudo (set-user-ID: the flag C
# of the registration), systemd-sysusers and systemd-tmpfiles.
export LC_ALL=C
echo "127.0.1.1 $(hostname)" >> /etc/hosts
groupadd -g 4000 casegroup; useradd -m -u 4001 -g casegroup -s /bin/bash -c 'A Case' caseuser; useradd -u 4002 -r -M other; echo $?
getent passwd caseuser other; getent group casegroup; ls -la --time-style=+ /home/caseuser | sed 's/^total.*//'
usermod -aG sudo,users caseuser; id caseuser; chage -d 20000 -M 90 caseuser; chage -l caseuser; passwd -S caseuser
echo 'caseuser:secret' | chpasswd; passwd -S caseuser; getent shadow caseuser | cut -d'$' -f2; passwd -l other; passwd -S other
stat -c '%a %U' /usr/bin/su /usr/bin/sudo /usr/bin/passwd
chmod 755 .; su caseuser -c 'id; echo "$HOME $USER"; pwd -P | sed "s/.*case/case/"'; su - caseuser -c 'echo "$PWD"; umask; kill -l | head -1'
echo 'caseuser ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/case; chmod 440 /etc/sudoers.d/case; visudo -cf /etc/sudoers.d/case
su caseuser -c 'sudo -n id; sudo -n -u other id -un; sudo -n sh -c "exit 7"; echo $?; sudo -n -l | tail -1; sudo -n env | grep -E "^(SUDO_UID|SUDO_COMMAND|USER)="'
su caseuser -c 'head -1 /etc/shadow 2>&1; echo secret | su caseuser -c "echo with a password" 2>&1; echo wrong | su -c id 2>&1; LD_PRELOAD=/no/such.so LD_LIBRARY_PATH=/tmp sudo -n sh -c "echo \"[\$LD_PRELOAD\$LD_LIBRARY_PATH]\"" 2>&1 | tail -1'
rm /etc/sudoers.d/case; su caseuser -c 'sudo -n true' 2>&1; echo $?; su other -s /bin/sh -c 'sudo -n true' 2>&1; echo $?
su caseuser -c 'printf "secret\nNew4Password!\nNew4Password!\n" | passwd' 2>&1 | tail -1; su caseuser -c 'setpriv --no-new-privs sudo -n true' 2>&1 | head -1
sudo -u caseuser id -u; sudo -u '#4002' id -un; sudo -g casegroup id -gn; setpriv --reuid=4001 --regid=4000 --clear-groups id; setpriv --reuid=4001 --clear-groups --inh-caps=-all --bounding-set=-all sh -c 'grep -E "^Cap" /proc/self/status'
cp /bin/dash suid; chown other suid; chmod 4755 suid; su caseuser -c './suid -p -c "id -u; id -ru"'; cp /usr/bin/id gid; chgrp users gid; chmod 2755 gid; su caseuser -c './gid -gn'
printf '#!/bin/sh\nid -un\n' > script; chown other script; chmod 4755 script; su caseuser -c ./script
cat > case.conf <<'END'
g casesys 450
u casesysuser 451:450 "A system user" /var/lib/casesys /bin/sh
m casesysuser users
r - 452-460
END
systemd-sysusers --dry-run "$PWD/case.conf" 2>&1 | head -3; systemd-sysusers "$PWD/case.conf" 2>&1; getent passwd casesysuser; id casesysuser; systemd-sysusers "$PWD/case.conf"; echo $?
cat > tmp.conf <<'END'
d /run/case 0750 casesysuser casesys -
f /run/case/file 0640 root casesys - written
L /run/case/link - - - - file
D /run/case/emptied 1777 root root 0
p /run/case/pipe 0600 - - -
w /run/case/file - - - - again
C /run/case/copied - - - - /etc/skel
END
systemd-tmpfiles --create "$PWD/tmp.conf"; echo $?; ls -lR --time-style=+ /run/case | grep -v ^total; cat /run/case/file; touch /run/case/emptied/x; systemd-tmpfiles --create --remove "$PWD/tmp.conf"; ls /run/case/emptied | wc -l; systemd-tmpfiles --clean "$PWD/tmp.conf"; echo $?
systemd-id128 new | wc -c; systemd-escape 'a b/c'; systemd-analyze calendar 'Mon *-*-1..7' 2> /dev/null | grep Normalized; systemd-path user-binaries > /dev/null; echo $?
gpasswd -d caseuser users; userdel -r caseuser 2>&1; userdel other; groupdel casegroup 2>&1; getent passwd caseuser; echo $?; pwck -r | grep -c caseuser; grpck -r; adduser --disabled-password --gecos '' --uid 4010 caseadded 2>&1 | grep -c .; deluser --quiet --remove-home caseadded 2>&1; ls /home
