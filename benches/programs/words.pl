# Words counted and ranked.
use strict;
use warnings;

my %counts;
open my $text, '<', '/mnt/text' or die;
while (my $line = <$text>) {
    $counts{lc $1}++ while $line =~ /([A-Za-z]+)/g;
}
my @ranked = sort { $counts{$b} <=> $counts{$a} || $a cmp $b } keys %counts;
print scalar(@ranked), " $_ $counts{$_}\n" for @ranked[0 .. 4];
