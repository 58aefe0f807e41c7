/*
 * missing.h - what a function of the machine calls until it is written.
 */
#pragma once

/* template_missing - says which function and which law, and stops. The tests supply it. */
[[gnu::noreturn]] void template_missing(const char *law, const char *function);
