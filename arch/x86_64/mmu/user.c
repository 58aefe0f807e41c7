/*
 * user.c - the kernel's accesses to user memory.
 *
 * One assembly routine does all of them (user_copy.S). It is the only code
 * between STAC and CLAC, and the only kernel code whose page faults are not
 * bugs: the trap handler asks x86_user_fixup() and resumes behind the copy,
 * which then reports how far it came. The range is cut at the end of user space
 * before, so a user's pointer never reaches the kernel half.
 *
 * The kernel-mode copy obeys write protection (CR0.WP). It would also reach a
 * kernel-only leaf; the user half never holds one.
 */
#include <anymm/arch.h>

#include <x86/machine.h>

/* Page-fault error code (SDM vol. 3A, 4.7): the translation existed. */
#define ERROR_PRESENT 1

/* What user_copy.S returns: RAX and RDX. */
struct copy_result {
	uint64_t remaining;
	uint64_t error;
};

struct copy_result x86_user_copy(void *dst, const void *src, size_t bytes, bool has_smap);

/* An entry of the fix-up table in user_copy.S: distances from the fields themselves. */
struct fixup {
	int32_t at; /* instruction that may fault on a user address */
	int32_t to; /* where it goes on */
};

extern const struct fixup x86_fixups[];
extern const struct fixup x86_fixups_end[];

static uintptr_t
target(const int32_t *distance)
{
	return (uintptr_t)distance + (uintptr_t)(intptr_t)*distance;
}

uintptr_t
x86_user_fixup(uintptr_t rip, vaddr_t fault_va)
{
	if (fault_va >= ARCH_USER_END)
		return 0;
	for (const struct fixup *f = x86_fixups; f < x86_fixups_end; f++)
		if (target(&f->at) == rip)
			return target(&f->to);
	return 0;
}

/* user_part - how many of the bytes from va on lie in user space. */
static size_t
user_part(vaddr_t va, size_t bytes)
{
	if (va >= ARCH_USER_END)
		return 0;
	return min_u64(bytes, ARCH_USER_END - va);
}

/* report - fill in the fault if the copy stopped early; returns the bytes done. */
static size_t
report(vaddr_t va, size_t wanted, size_t done, uint64_t error, enum access access,
       struct arch_fault *fault)
{
	if (done < wanted)
		*fault = (struct arch_fault){
			.va = va + done,
			.access = access,
			.present = error & ERROR_PRESENT,
			.user = true,
		};
	return done;
}

size_t
x86_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault)
{
	size_t		   part = user_part(src, bytes);
	struct copy_result r = { 0 };

	if (part)
		r = x86_user_copy(dst, (const void *)src, part, x86_machine.has_smap);
	return report(src, bytes, part - r.remaining, r.error, ACCESS_LOAD, fault);
}

size_t
x86_user_write(vaddr_t dst, const void *src, size_t bytes, struct arch_fault *fault)
{
	size_t		   part = user_part(dst, bytes);
	struct copy_result r = { 0 };

	if (part)
		r = x86_user_copy((void *)dst, src, part, x86_machine.has_smap);
	return report(dst, bytes, part - r.remaining, r.error, ACCESS_STORE, fault);
}
