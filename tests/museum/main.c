/*
 * main.c - runs the scenes once as they are, then once for each call left out.
 *
 * Prints lines for museum.py:
 *
 *	site NUMBER FUNCTION PC OUTER		addresses count from the start of the program
 *	result NUMBER STATUS TEXT		how the run without this call ended, first line
 */
#include "museum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char __executable_start[];

static uintptr_t
offset_of(uintptr_t pc)
{
	return pc ? pc - (uintptr_t)__executable_start : 0;
}

/* run_without - in a child; its first words are left in text. */
static int
run_without(int site, char *text, size_t bytes)
{
	int   ends[2];
	int   status = -1;
	FILE *words;
	pid_t pid;

	if (pipe(ends) != 0)
		exit(2);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		museum_leave_out(site);
		museum_scenes();
		_exit(0);
	}
	close(ends[1]);
	words = fdopen(ends[0], "r");
	text[0] = 0;
	while (words && strchr("\n", text[0]) && fgets(text, (int)bytes, words))
		;
	while (words && fgetc(words) != EOF)
		;
	if (words)
		fclose(words);
	waitpid(pid, &status, 0);
	text[strcspn(text, "\n")] = 0;
	return status;
}

int
main(void)
{
	char text[512];

	museum_scenes();
	for (unsigned i = 0; i < museum_nr_sites; i++)
		printf("site %u %s %" PRIxPTR " %" PRIxPTR "\n", i, museum_sites[i].function,
		       offset_of(museum_sites[i].pc), offset_of(museum_sites[i].outer));
	for (unsigned i = 0; i < museum_nr_sites; i++) {
		int status = run_without((int)i, text, sizeof(text));

		printf("result %u %d %s\n", i, status, text);
	}
	return 0;
}
