# packages: debootstrap mmdebstrap fakeroot fakechroot
# Debian inside of Debian: debootstrap and mmdebstrap, and a package's build.
export LC_ALL=C
debootstrap --variant=minbase bookworm d http://deb.debian.org/debian > log 2>&1; echo "debootstrap: $?"; chroot d dpkg -l | grep -c ^ii; chroot d sh -c '. /etc/os-release; echo $ID $VERSION_ID; dpkg --audit; echo $?'; chroot d dpkg --verify; rm -rf d
mmdebstrap --quiet --variant=apt bookworm m http://deb.debian.org/debian > log 2>&1; echo "mmdebstrap: $?"; chroot m dpkg -l | grep -c ^ii; rm -rf m
fakeroot sh -c 'touch f; chown 12:34 f; mknod n c 1 3; stat -c "%u:%g" f; stat -c %F n; id -u'; su nobody -s /bin/sh -c 'cd $(mktemp -d) && fakeroot sh -c "touch f; chown 12:34 f; stat -c %u:%g f"'
