/*
 * arch_names.h - the contract's functions of the machine, by address.
 */
#pragma once

/* names_defined - how many functions the machine defines; all, or it does not compile. */
unsigned names_defined(void);
