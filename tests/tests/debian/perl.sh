# packages: perl
# Perl: text, numbers, processes, threads, sockets, its modules in C.
export LC_ALL=C PERL_HASH_SEED=0
cat > words.pl <<'END'
use strict; use warnings;
my (%count, $state); $state = 42;
for (1 .. 50000) { $state = ($state * 1103515245 + 12345) & 0x7fffffff; $count{sprintf "w%x", $state >> 18}++; }
my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
printf "%s %d\n", $_, $count{$_} for @top[0 .. 4];
print scalar(@top), "\n";
END
perl words.pl
perl -MPOSIX -e 'printf "%.17g %.17g %.17g %s %s %d\n", sqrt(2), exp(1), atan2(1, 1) * 4, 9 ** 9 ** 9, -sin(9 ** 9 ** 9), strtol("7fff", 16); print floor(-1.5), " ", fmod(7, 3), "\n"'
perl -e 'print join(",", unpack("w/a* N n C q> d> f<", pack("w/a* N n C q> d> f<", "text", 1234567890, 4711, 200, -5, 1.5, 0.25))), "\n"'
perl -e '$_ = "The quick brown fox" x 500; my $n = () = /(?<!T)h?(\w)(?=\w)\1*/g; print "$n\n"; s/(\w+) (\w+)/$2 $1/g; print substr($_, 0, 40), "\n"; print tr/a-y/b-z/, "\n"; print "match\n" if ("a" x 16) =~ /^(a?){16}a{16}$/'
perl -Mutf8 -CS -e 'print ucfirst("ärger"), " ", length("日本語"), " ", join("-", sort { $a cmp $b } split //, "zäöü"), "\n"'
perl -e 'my $pid = fork; if (!$pid) { exit 7 } waitpid $pid, 0; print $? >> 8, "\n"; print `echo through a shell; exit 3`, $? >> 8, "\n"; system("kill -9 \$\$"); print $? & 127, "\n"; print system("/no/such/program"), " ", $! + 0, "\n"'
perl -e 'pipe my $r, my $w; if (!fork) { close $r; print $w "line $_\n" for 1 .. 1000; exit } close $w; my $n; $n++ while <$r>; wait; print "$n\n"'
perl -e '$SIG{USR1} = sub { $n++ }; kill USR1 => $$ for 1 .. 100; print "$n signals\n"; $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; 1 while 1 }; print $@'
perl -MIPC::Open3 -e 'my $pid = open3(my $in, my $out, undef, "tr", "a-z", "A-Z"); print $in "open3\n"; close $in; print <$out>; waitpid $pid, 0; print "$?\n"; eval { open3($in, $out, undef, "/no/such") }; print $@ =~ /exec of .no.such failed/ ? "failed\n" : "not failed: $@\n"'
perl -Mthreads -Mthreads::shared -e 'my $sum :shared = 0; my @t = map { my $n = $_; threads->create(sub { for (1 .. 500) { lock $sum; $sum += $n } return $n * $n }) } 1 .. 8; print join(",", map { $_->join } @t), " $sum\n"'
perl -Mthreads -MThread::Queue -e 'my $q = Thread::Queue->new; my $t = threads->create(sub { my $s = 0; while (defined(my $i = $q->dequeue)) { $s += $i } $s }); $q->enqueue($_) for 1 .. 1000; $q->end; print $t->join, "\n"'
perl -MIO::Socket::INET -e 'my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1"); if (!fork) { my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport); print $s "hello\n"; print scalar <$s>; exit } my $c = $l->accept; my $line = <$c>; print $c uc $line; close $c; wait'
perl -MDigest::SHA=sha256_hex,sha512_hex -MDigest::MD5=md5_hex -e 'my $d = join "", 1 .. 20000; print md5_hex($d), " ", sha256_hex($d), " ", sha512_hex($d), "\n"'
perl -MStorable=freeze,thaw -MData::Dumper -MList::Util=sum,first,reduce -MEncode -MMIME::Base64 -e '$Data::Dumper::Sortkeys = 1; $Data::Dumper::Indent = 1; print Dumper(thaw freeze { a => [1, 2.5, "x"], b => undef }); print sum(1 .. 100), first { $_ > 5 } 1 .. 10; print reduce { $a * $b } 1 .. 15; print encode_base64(encode("UTF-16BE", "\x{20ac}uro"))'
perl -MCompress::Zlib -e 'my $d = join(" ", 1 .. 30000); my $c = compress($d); print uncompress($c) eq $d ? "same " : "other ", crc32($d), " ", length $c, "\n"'
perl -MMath::BigInt -MMath::BigFloat -e 'print Math::BigInt->new(2) ** 521 - 1, "\n", Math::BigFloat->new(2)->bsqrt(60), "\n"; print Math::BigInt->new(100)->bfac, "\n"'
perl -MTime::HiRes=time,sleep,setitimer,ITIMER_REAL -e '$SIG{ALRM} = sub { $n++ }; setitimer(ITIMER_REAL, 0.01, 0.01); my $end = time + 0.3; 1 while time < $end; setitimer(ITIMER_REAL, 0); print $n >= 5 ? "ticks\n" : "only $n\n"'
perl -MFile::Find -MFile::Temp=tempdir -MFile::Copy -MCwd -e 'my $d = tempdir(CLEANUP => 1); copy("words.pl", "$d/w"); mkdir "$d/s"; symlink "w", "$d/s/l"; my @f; find(sub { push @f, $File::Find::name =~ s/^\Q$d//r }, $d); print join("|", sort @f), "\n"; print -s "$d/w", (stat "$d/w")[7], "\n"'
perl -e 'sub deep { my $n = shift; $n ? 1 + deep($n - 1) : 0 } no warnings; print deep(50000), "\n"; my @a = map { [$_, $_ * 7 % 101] } 1 .. 5000; print join(" ", map { $_->[0] } (sort { $a->[1] <=> $b->[1] || $b->[0] <=> $a->[0] } @a)[0 .. 5]), "\n"; format STDOUT =
@<<<<< @>>>>> @##.##
"ab", "cd", 3.14159
.
write'
perl -e 'die "dies\n"'; echo $?; { perl -e 'kill 11, $$'; } 2> /dev/null; echo $?; perl -c words.pl 2>&1; perl -we 'my $x = "a" + 1' 2>&1
