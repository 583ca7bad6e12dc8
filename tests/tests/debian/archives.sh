# packages: xz-utils bzip2 zstd cpio zip unzip lz4
# ci
# Archives and compression: each makes the same bytes, and gets them back.
export LC_ALL=C
for n in $(seq 300); do echo "line $n: $((n * n * n % 9973)) $((n % 13))"; done > text; for n in $(seq 40); do cat text; done > big; head -c 200000 /dev/zero > zero; mkdir -p t/d; cp text t/d; ln -s d/text t/link; ln t/d/text t/hard; find t text big zero -exec touch -h -d @1000000000 {} +
for file in big zero text; do
    for z in 'gzip -n' 'gzip -n9' bzip2 'xz -T1' 'xz -T2 -9e' 'xz --format=lzma' zstd 'zstd -19' 'zstd -T2 --ultra -22' lz4; do
        $z -c < $file > z; echo "$file $z: $(sha1sum < z | cut -c1-16) $(wc -c < z)"; ${z%% *} $(case $z in *lzma*) echo --format=lzma;; esac) -dc < z | cmp - $file
    done
done
tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -cf a.tar t; sha256sum a.tar; tar tvf a.tar; tar --sort=name --format=posix --pax-option=delete=atime,delete=ctime -cf b.tar t; tar tf b.tar
for z in z j J; do tar c${z}f a.t$z t big && mkdir o && tar x${z}f a.t$z -C o && diff -r --no-dereference t o/t && cmp big o/big && rm -r o && echo "tar $z"; done; tar --zstd -cf a.zst big && tar -tf a.zst; tar -cf - t | (mkdir p; tar -C p -xf -); diff -r --no-dereference t p/t && echo piped
truncate -s 1M sparse; echo end >> sparse; tar -Scf s.tar sparse; stat -c %s s.tar; rm sparse; tar xf s.tar; stat -c %s sparse; head -c 3000 a.tar > cut.tar; tar tf cut.tar 2>&1; echo $?
find t | sort | cpio -o -H newc 2> /dev/null > a.cpio; cpio -it < a.cpio 2>&1; mkdir q; (cd q; cpio -id < ../a.cpio 2> /dev/null); diff -r --no-dereference t q/t && echo cpio
TZ=UTC zip -qrX a.zip t big; unzip -l a.zip | tail -1; unzip -tq a.zip; mkdir r; unzip -q a.zip -d r; cmp big r/big && echo zip; head -c 1000 a.zip > cut.zip; unzip -tq cut.zip > /dev/null 2>&1; echo $?
head -c 1000 z > cut; gzip -n < big | head -c 3000 | gzip -dc 2>&1 > /dev/null; echo $?; echo x | xz -dc 2>&1; bzip2 -t text 2>&1 | head -2; ar rc a.a text zero; ar t a.a; zgrep -c 'line 7:' <(gzip -c text); zcat < <(gzip -c text) | head -1; xzcat <(xz -c text) | tail -1
