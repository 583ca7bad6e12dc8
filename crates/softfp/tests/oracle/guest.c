/*
 * Executes floating-point instructions on demand: the AArch64 side of
 * ../qemu.rs.
 *
 * Reads records from standard input and answers each on standard output, in
 * order, until the end of file. "ops.inc" is written by the test: one
 * OP(number, "instruction") a line. An instruction finds its operands in v0
 * (addend, or the destination's old value), v1, v2 and x1, and leaves its
 * result in v0, x0 or NZCV.
 */
#include <stdint.h>
#include <unistd.h>

struct record {
	uint32_t op, fpcr;
	uint64_t x;
	uint8_t v[3][16];
};

struct answer {
	uint8_t v[16];
	uint64_t x;
	uint32_t fpsr, nzcv;
};

#define OP(number, text)                                                    \
	static void op_##number(const struct record *in, struct answer *out) \
	{                                                                    \
		uint64_t fpcr = in->fpcr;                                    \
		register uint64_t x0 asm("x0") = 0;                          \
		register uint64_t x1 asm("x1") = in->x;                      \
		uint64_t fpsr, nzcv;                                         \
		asm volatile("ldr q0, [%[in]]\n\t"                           \
			     "ldr q1, [%[in], 16]\n\t"                       \
			     "ldr q2, [%[in], 32]\n\t"                       \
			     "msr fpcr, %[fpcr]\n\t"                         \
			     "msr fpsr, xzr\n\t"                             \
			     text "\n\t"                                     \
			     "mrs %[nzcv], nzcv\n\t"                         \
			     "mrs %[fpsr], fpsr\n\t"                         \
			     "msr fpcr, xzr\n\t"                             \
			     "str q0, [%[out]]"                              \
			     : "+r"(x0), [nzcv] "=&r"(nzcv), [fpsr] "=&r"(fpsr) \
			     : "r"(x1), [in] "r"(in->v), [fpcr] "r"(fpcr),   \
			       [out] "r"(out->v)                             \
			     : "v0", "v1", "v2", "cc", "memory");            \
		out->x = x0;                                                 \
		out->fpsr = (uint32_t)fpsr;                                  \
		out->nzcv = (uint32_t)(nzcv >> 28);                          \
	}
#include "ops.inc"
#undef OP

#define OP(number, text) op_##number,
static void (*const ops[])(const struct record *, struct answer *) = {
#include "ops.inc"
};

enum { BATCH = 1024 };
static struct record records[BATCH];
static struct answer answers[BATCH];

/* Reads up to `size` bytes, fewer only at the end of file. */
static size_t read_all(void *to, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = read(0, (char *)to + done, size - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

int main(void)
{
	for (;;) {
		size_t size = read_all(records, sizeof records);
		size_t count = size / sizeof records[0];
		for (size_t i = 0; i < count; i++) {
			if (records[i].op >= sizeof ops / sizeof ops[0])
				return 2;
			ops[records[i].op](&records[i], &answers[i]);
		}
		size_t left = count * sizeof answers[0];
		const char *from = (const char *)answers;
		while (left > 0) {
			ssize_t n = write(1, from, left);
			if (n <= 0)
				return 1;
			from += n;
			left -= (size_t)n;
		}
		if (size < sizeof records)
			return 0;
	}
}
