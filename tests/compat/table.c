/* table.c - print the rows as the table of docs/compat.md. */
#include "compat/rows.h"

#include <stdio.h>

static const char *
result_name(err_t err)
{
	return err == OK ? "ok" : err_name(err);
}

int
main(void)
{
	printf("| call | arguments | Linux | here | |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];

		printf("| %s | %s | %s | %s | %s |\n", call_name(row->call), row->what,
		       result_name(row->linux_gives), result_name(row->gives),
		       row->why	      ? row->why
		       : row->changes ? "the part before it is done"
				      : "");
	}
	return 0;
}
