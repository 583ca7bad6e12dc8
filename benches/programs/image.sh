# What a Dockerfile's steps do: install, compile, test.
set -e
export DEBIAN_FRONTEND=noninteractive
dpkg --install "/mnt/packages/$(dpkg --print-architecture)"/*.deb > /dev/null
cp -r /mnt/bzip2 /tmp/build
cd /tmp/build
make CFLAGS='-O2' > /dev/null
make install PREFIX=/tmp/installed > /dev/null
/tmp/installed/bin/bzip2 -c /mnt/text | /tmp/installed/bin/bzip2 -dc | cmp - /mnt/text
python3 -c 'import zipfile, tarfile, sqlite3; print("tested")'
