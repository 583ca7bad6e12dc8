/* Integer work of the kinds that CoreMark has: a linked list that is searched,
 * reversed and sorted; small matrices of 16-bit numbers; a state machine over
 * text; CRC16. Each alone, and `mixed`: all four in about equal parts. */
#include "kernels.h"

struct item {
    struct item *next;
    int16_t key;
    uint16_t value;
};

static uint16_t crc16(uint16_t crc, uint16_t value)
{
    for (int bit = 0; bit < 16; bit++) {
        int feedback = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (feedback)
            crc ^= 0xa001;
    }
    return crc;
}

static struct item *reverse(struct item *list)
{
    struct item *done = NULL;
    while (list) {
        struct item *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static struct item *find(struct item *list, int16_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static int by_key(const struct item *a, const struct item *b)
{
    return a->key - b->key;
}

static int by_value(const struct item *a, const struct item *b)
{
    return (a->value & 0xff) - (b->value & 0xff);
}

/* Merge sort by a comparison that is called. */
static struct item *sort(struct item *list, int (*compare)(const struct item *, const struct item *))
{
    if (!list || !list->next)
        return list;
    struct item *slow = list, *fast = list->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct item *right = sort(slow->next, compare);
    slow->next = NULL;
    struct item *left = sort(list, compare);
    struct item *head = NULL, **end = &head;
    while (left && right) {
        struct item **from = compare(left, right) <= 0 ? &left : &right;
        *end = *from;
        end = &(*from)->next;
        *from = (*from)->next;
    }
    *end = left ? left : right;
    return head;
}

#define N 12
static int16_t a[N][N], b[N][N];
static int32_t c[N][N];

static uint16_t matrices(uint16_t seed)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (int16_t)(seed * (i + 1) + j);
            b[i][j] = (int16_t)(seed + i * j);
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int32_t sum = 0;
            for (int k = 0; k < N; k++)
                sum += (int32_t)a[i][k] * b[k][j];
            c[i][j] = (sum >> 2 & 0xf) * (sum >> 5 & 0x7f);
        }
    uint16_t crc = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            crc = (uint16_t)(crc + (c[i][j] > 300 ? 10 : c[i][j]));
    return crc;
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };

/* One number up to the comma; counts the transitions. */
static const char *number(const char *text, enum state *end, unsigned *transitions)
{
    enum state state = START;
    for (; *text && state != INVALID; text++) {
        char ch = *text;
        if (ch == ',') {
            text++;
            break;
        }
        int digit = ch >= '0' && ch <= '9';
        switch (state) {
        case START:
            state = digit ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? POINT : INVALID;
            break;
        case SIGN:
            state = digit ? INTEGER : ch == '.' ? POINT : INVALID;
            break;
        case INTEGER:
            state = digit ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
            break;
        case POINT:
        case FRACTION:
            state = digit ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
            break;
        case EXPONENT:
            state = digit ? SCIENTIFIC : ch == '+' || ch == '-' ? EXPONENT_SIGN : INVALID;
            break;
        case EXPONENT_SIGN:
        case SCIENTIFIC:
            state = digit ? SCIENTIFIC : INVALID;
            break;
        default:
            break;
        }
        transitions[state]++;
    }
    *end = state;
    return text;
}

static const char text[] =
    "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,-87e+832,"
    "+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,0.5,99999,1e9,-";

static uint16_t states(uint16_t crc)
{
    unsigned counts[STATES] = {0}, transitions[STATES] = {0};
    const char *at = text;
    while (*at) {
        enum state end;
        at = number(at, &end, transitions);
        counts[end]++;
    }
    for (int i = 0; i < STATES; i++) {
        crc = crc16(crc, (uint16_t)counts[i]);
        crc = crc16(crc, (uint16_t)transitions[i]);
    }
    return crc;
}

/* How often each goes with one round over the list. */
#define MATRIX_PART 12
#define STATES_PART 32
#define CRC_PART 14

#define ITEMS 200
static struct item items[ITEMS];

static struct item *make_list(void)
{
    for (int i = 0; i < ITEMS; i++) {
        items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
        items[i].key = (int16_t)((i * 7919) % 1000);
        items[i].value = (uint16_t)(i * 31421);
    }
    return items;
}

/* One round over the list; the checksum goes on from `crc`. */
static uint16_t list_round(struct item **list, unsigned round, uint16_t crc)
{
    for (unsigned i = 0; i < 20; i++) {
        struct item *found = find(*list, (int16_t)((round + i * 37) % 1000));
        if (found)
            crc = (uint16_t)(crc + found->value);
        *list = reverse(*list);
    }
    *list = sort(*list, round & 1 ? by_key : by_value);
    return crc;
}

static uint64_t lists(unsigned rounds)
{
    struct item *list = make_list();
    uint16_t crc = 0;
    for (unsigned round = 0; round < rounds; round++)
        crc = crc16(list_round(&list, round, crc), (uint16_t)round);
    return crc;
}

static uint64_t matrix(unsigned rounds)
{
    uint16_t crc = 0;
    for (unsigned round = 0; round < rounds; round++)
        crc = matrices((uint16_t)(round + crc));
    return crc;
}

static uint64_t state(unsigned rounds)
{
    uint16_t crc = 0;
    for (unsigned round = 0; round < rounds; round++)
        crc = states(crc);
    return crc;
}

static uint16_t crc_round(uint16_t crc, unsigned round)
{
    for (unsigned i = 0; i < 64; i++)
        crc = crc16(crc, (uint16_t)(round * 40503u + i * 257u));
    return crc;
}

static uint64_t crc(unsigned rounds)
{
    uint16_t crc = 0;
    for (unsigned round = 0; round < rounds; round++)
        crc = crc_round(crc, round);
    return crc;
}

static uint64_t mixed(unsigned rounds)
{
    struct item *list = make_list();
    uint16_t crc = 0;
    for (unsigned round = 0; round < rounds; round++) {
        crc = list_round(&list, round, crc);
        for (unsigned i = 0; i < MATRIX_PART; i++)
            crc = crc16(crc, matrices((uint16_t)(round + crc)));
        for (unsigned i = 0; i < STATES_PART; i++)
            crc = states(crc);
        for (unsigned i = 0; i < CRC_PART; i++)
            crc = crc_round(crc, round + i);
    }
    return crc;
}

KERNELS({"mixed", mixed, 2000}, {"list", lists, 8000}, {"matrix", matrix, 80000},
        {"state", state, 80000}, {"crc", crc, 80000})
