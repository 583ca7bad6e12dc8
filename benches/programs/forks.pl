# Children that each do little.
use strict;
use warnings;

my $sum = 0;
for my $n (1 .. 300) {
    my $child = fork // die;
    exit $n % 7 unless $child;
    waitpid $child, 0;
    $sum += $? >> 8;
}
print "$sum\n";
