/*
 * main.c - runs the suites that were linked into this program.
 *
 * SUITES comes from the build as X(one) X(other) ..., so a suite that is listed
 * and missing does not link. With no argument all suites run; with names, those.
 */
#include <stdio.h>
#include <string.h>

#define X(name) int suite_##name(void);
SUITES
#undef X

static const struct {
	const char *name;
	int (*run)(void);
} suites[] = {
#define X(name) { #name, suite_##name },
	SUITES
#undef X
};

#define NR_SUITES (sizeof(suites) / sizeof(suites[0]))

static int
run_named(const char *name)
{
	for (size_t i = 0; i < NR_SUITES; i++) {
		if (strcmp(suites[i].name, name) == 0)
			return suites[i].run();
	}
	fprintf(stderr, "no suite is called '%s'; there are:", name);
	for (size_t i = 0; i < NR_SUITES; i++)
		fprintf(stderr, " %s", suites[i].name);
	fputc('\n', stderr);
	return 1;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += run_named(argv[i]);
	for (size_t i = 0; argc == 1 && i < NR_SUITES; i++)
		failed += suites[i].run();
	return failed ? 1 : 0;
}
