/*
 * explain_fault.c - writes an input of fuzz_fault down as a scenario, and runs it.
 *
 *	explain_fault FILE > story.vm
 *
 * Each line is written before the operation runs, so the last line of an input that
 * crashes is the operation that crashed.
 */
#include "fuzz_fault.h"

#include <stdlib.h>

int
main(int argc, char **argv)
{
	static uint8_t data[65536];
	size_t	       bytes;
	FILE	      *file;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	file = fopen(argv[1], "rb");
	if (!file) {
		perror(argv[1]);
		return 2;
	}
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	fuzz_fault_run(data, bytes, stdout);
	return 0;
}
