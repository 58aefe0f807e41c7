/*
 * exec_file.h - bytes of a program file.
 */
#pragma once

#include <anymm/exec.h>

/* exec_file_bytes - its size. */
uint64_t exec_file_bytes(struct object *file);

/*
 * exec_file_read - [offset, offset + bytes) through the pages of the object.
 *   fails  ERR_IO: beyond the end, or the pager cannot read it; ERR_NOMEM
 */
err_t exec_file_read(struct object *file, uint64_t offset, void *buf, size_t bytes);
