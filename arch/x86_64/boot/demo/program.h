/*
 * program.h - what the parts of the program share. It has no library but this.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define PAGE	   4096
#define PROT_READ  1
#define PROT_WRITE 2
#define SHARED	   1
#define PRIVATE	   2

/* call - a system call. */
int64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c);

[[gnu::noreturn]] void end(int code);

/* expect - else it ends with the number as its code. */
void expect(int is_so, int number);

/* say - "text number rest" and the end of the line. */
void say(const char *text, uint64_t number, const char *rest);

/* wait_for_one - the status of a child that has ended. */
int wait_for_one(void);

/* map - memory of zeros that may be written. */
volatile uint64_t *map(uint64_t bytes, uint64_t flags);

/* sink - call deeper and deeper, a little more than a page of stack each. gives depth + ... + 1 */
uint64_t sink(uint64_t depth);

/* show_signals - the part about signals. */
void show_signals(void);
