#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    char *name;
    int count;
};

static struct entry *table[64];

static unsigned hash(const char *name)
{
    unsigned sum = 5381;
    while (*name)
        sum = sum * 33 + (unsigned char)*name++;
    return sum % 64;
}

static struct entry *find(const char *name)
{
    unsigned at = hash(name);
    for (struct entry *entry = table[at]; entry; entry = entry->next)
        if (!strcmp(entry->name, name))
            return entry;
    struct entry *entry = calloc(1, sizeof *entry);
    entry->name = strdup(name);
    entry->next = table[at];
    return table[at] = entry;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        find(argv[i])->count++;
    for (int i = 0; i < 64; i++)
        for (struct entry *entry = table[i]; entry; entry = entry->next)
            printf("%s %d\n", entry->name, entry->count);
    return 0;
}
