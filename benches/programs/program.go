package main

type entry struct {
	name  string
	count int
}

func count(words []string) []entry {
	places := map[string]int{}
	var entries []entry
	for _, word := range words {
		place, known := places[word]
		if !known {
			place = len(entries)
			places[word] = place
			entries = append(entries, entry{name: word})
		}
		entries[place].count++
	}
	return entries
}

func main() {
	for _, entry := range count([]string{"a", "b", "a"}) {
		println(entry.name, entry.count)
	}
}
