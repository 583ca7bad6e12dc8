# packages:
# apt: a package from the mirror is installed, reinstalled, removed; and what
# it knows of others.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
apt-get -qq update; echo "update: $?"
apt-get -qq install --no-install-recommends hello > log 2>&1; echo "install: $?"; hello; dpkg -s hello | grep -E '^(Status|Version)'
apt-get -qq install --reinstall hello > log 2>&1; echo "reinstall: $?"
apt-mark showmanual | grep -c '^hello$'; apt-mark auto hello; apt-get -qq autoremove > log 2>&1; echo "autoremove: $?"; dpkg -s hello 2>&1 | head -1
apt-get -qq install fortune-mod > log 2>&1; echo "with recommends: $?"; apt-get -qq purge fortune-mod > log 2>&1; apt-get -qq autoremove --purge > log 2>&1; echo $?
apt-get -s install nginx | grep -c ^Inst; apt-cache depends git | sed 's/:[a-z0-9]*$//' | head -5; apt-cache search '^bash$'; apt-cache show coreutils | grep ^Section
apt-get -qq install no-such-package 2>&1; echo "missing: $?"
apt-get download -qq hello 2>&1 | grep -v '^W'; dpkg-deb -f hello_*.deb Version; apt list --installed 2>/dev/null | grep -c ^dpkg/; apt-config dump | grep -c .
echo 'deb http://deb.debian.org/debian no-such-suite main' > /etc/apt/sources.list.d/bad.list; apt-get update > log 2>&1; echo "bad suite: $?"; rm /etc/apt/sources.list.d/bad.list
apt-get -qq clean; apt-get -qq check; echo "check: $?"
