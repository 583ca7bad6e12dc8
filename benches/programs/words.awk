# Words counted, with a table of their lengths.
{
    for (i = 1; i <= NF; i++) {
        word = tolower($i)
        gsub(/[^a-z]/, "", word)
        if (word != "") {
            counts[word]++
            lengths[length(word)]++
        }
    }
}
END {
    for (word in counts) if (counts[word] > most) most = counts[word]
    for (n = 1; n <= 20; n++) printf "%d:%d ", n, lengths[n]
    print most
}
