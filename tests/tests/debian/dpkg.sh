# packages:
# ci
# dpkg: a package is built, installed, upgraded, configured, removed, purged;
# its maintainer scripts, conffiles, diversions and triggers.
export LC_ALL=C SOURCE_DATE_EPOCH=1000000000
dpkg --audit; echo "audit: $?"; dpkg --verify base-files dpkg libc6 coreutils; echo "verify: $?"
dpkg-query -W -f '${binary:Package} ${Status}\n' | sed 's/:[a-z0-9]* / /' | grep -v 'install ok installed'
dpkg-query -S /bin/sh /usr/bin/env | sed 's/:[a-z0-9]*:/:/'; dpkg --compare-versions 1:1.0~rc1 lt 1:1.0; echo $?
build() {
    mkdir -p p/DEBIAN p/etc p/usr/share/armistice-case
    echo "setting $1" > p/etc/armistice-case.conf; seq "$1"000 > p/usr/share/armistice-case/data
    echo /etc/armistice-case.conf > p/DEBIAN/conffiles
    printf 'Package: armistice-case\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a case\n' "$1" > p/DEBIAN/control
    for script in preinst postinst prerm postrm; do
        printf '#!/bin/sh\necho "%s %s: $*"\n' "$1" $script > p/DEBIAN/$script; chmod 755 p/DEBIAN/$script
    done
    find p -exec touch -d @1000000000 {} +
    dpkg-deb --root-owner-group -Z"$2" -b p case-"$1".deb; rm -r p; sha256sum case-"$1".deb
}
build 1 gzip; build 2 xz
dpkg-deb -I case-1.deb; dpkg-deb -c case-2.deb; dpkg-deb --fsys-tarfile case-2.deb | sha256sum
quiet() { sed 's/^(Reading database.*files and directories/(Reading database ... N files and directories/; s/.*\r//'; }
dpkg -i case-1.deb 2>&1 | quiet; dpkg -s armistice-case; dpkg -L armistice-case
echo changed >> /etc/armistice-case.conf; dpkg --verify armistice-case
dpkg --force-confold -i case-2.deb 2>&1 | quiet; cat /etc/armistice-case.conf; wc -l /usr/share/armistice-case/data
dpkg-divert --add --rename --divert /usr/share/armistice-case/moved /usr/share/armistice-case/data; ls /usr/share/armistice-case; dpkg-divert --remove --rename /usr/share/armistice-case/data
dpkg -r armistice-case 2>&1 | quiet; dpkg -s armistice-case | head -3; dpkg -P armistice-case 2>&1 | quiet; dpkg -s armistice-case 2>&1 | head -1
dpkg --unpack case-1.deb 2>&1 | quiet; dpkg --configure -a; dpkg -P armistice-case 2>&1 | quiet
printf '#!/bin/sh\necho refuses; exit 3\n' > refuse; mkdir -p q/DEBIAN; cp refuse q/DEBIAN/preinst; chmod 755 q/DEBIAN/preinst
printf 'Package: armistice-bad\nVersion: 1\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: bad\n' > q/DEBIAN/control
dpkg-deb -b q bad.deb; dpkg -i bad.deb 2>&1 | quiet; dpkg -s armistice-bad 2>&1 | head -1; dpkg -P armistice-bad > /dev/null 2>&1
update-alternatives --install /usr/local/bin/armistice-alt armistice-alt /bin/true 10 --slave /usr/local/bin/armistice-sl armistice-sl /bin/false; update-alternatives --install /usr/local/bin/armistice-alt armistice-alt /bin/cat 5
update-alternatives --query armistice-alt; update-alternatives --set armistice-alt /bin/cat; readlink -f /usr/local/bin/armistice-alt | sed s,/usr,,; update-alternatives --remove-all armistice-alt; ls /usr/local/bin
