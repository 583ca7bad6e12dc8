use std::collections::BTreeMap;
use std::env;

#[derive(Debug, Default, Clone)]
struct Entry {
    count: usize,
    places: Vec<usize>,
}

fn main() {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for (place, word) in env::args().skip(1).enumerate() {
        let entry = entries.entry(word.to_lowercase()).or_default();
        entry.count += 1;
        entry.places.push(place);
    }
    for (word, entry) in &entries {
        println!("{word}: {entry:?}");
    }
}
