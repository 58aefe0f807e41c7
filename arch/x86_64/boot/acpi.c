/*
 * acpi.c - which CPUs there are: the MADT (ACPI specification 6.4, section 5.2.12).
 *
 * Firmware tables are input like any other: lengths and checksums are looked at
 * before they are believed. A machine without ACPI has one CPU.
 */
#include "boot.h"

#include "base/mem.h"

struct [[gnu::packed]] rsdp {
	char	 signature[8];
	uint8_t	 checksum;
	char	 oem[6];
	uint8_t	 revision;
	uint32_t rsdt;
	uint32_t bytes;
	uint64_t xsdt;
};

struct [[gnu::packed]] table {
	char	 signature[4];
	uint32_t bytes;
	uint8_t	 revision, checksum;
	char	 oem[6 + 8 + 4 + 4 + 4];
};

struct [[gnu::packed]] madt_entry {
	uint8_t	 type, bytes;
	uint8_t	 processor, apic_id;
	uint32_t flags;
};

struct [[gnu::packed]] madt_x2apic {
	uint8_t	 type, bytes;
	uint16_t reserved;
	uint32_t apic_id, flags;
};

enum {
	MADT_LOCAL_APIC = 0,
	MADT_LOCAL_X2APIC = 9,
	MADT_FLAG_ENABLED = 1,
};

#define MADT_HEADER (sizeof(struct table) + 8)
#define TABLE_MAX   (UINT32_C(1) << 20)

/* Firmware's memory need not be RAM of the map: each page is made reachable first. */
static const void *
reach(uint64_t paddr, uint64_t bytes)
{
	for (uint64_t at = paddr & ~ARCH_PAGE_MASK; at < paddr + bytes; at += ARCH_PAGE_SIZE)
		paging_map_firmware((paddr_t){ at });
	return direct((paddr_t){ paddr });
}

static bool
checksum_is_right(const void *start, uint64_t bytes)
{
	const uint8_t *p = start;
	uint8_t	       sum = 0;

	while (bytes-- > 0)
		sum = (uint8_t)(sum + *p++);
	return sum == 0;
}

static const struct table *
table_at(uint64_t paddr)
{
	const struct table *t = reach(paddr, sizeof(*t));

	if (t->bytes < sizeof(*t) || t->bytes > TABLE_MAX)
		return NULL;
	t = reach(paddr, t->bytes);
	return checksum_is_right(t, t->bytes) ? t : NULL;
}

static const struct table *
find_madt(void)
{
	const struct rsdp  *rsdp = reach(boot_info.rsdp.raw, sizeof(*rsdp));
	bool		    wide = rsdp->revision >= 2 && rsdp->xsdt;
	const struct table *list = table_at(wide ? rsdp->xsdt : rsdp->rsdt);
	uint64_t	    step = wide ? 8 : 4;

	for (uint64_t at = sizeof(*list); list && at + step <= list->bytes; at += step) {
		const struct table *t;
		uint64_t	    paddr = 0;

		memcpy(&paddr, (const char *)list + at, step);
		t = table_at(paddr);
		if (t && memcmp(t->signature, "APIC", 4) == 0)
			return t;
	}
	return NULL;
}

/* The APIC id of an entry that stands for a usable CPU. */
static bool
entry_cpu(const struct madt_entry *e, uint32_t *id)
{
	const struct madt_x2apic *x = (const void *)e;

	if (e->type == MADT_LOCAL_APIC && e->bytes >= sizeof(*e)) {
		*id = e->apic_id;
		return e->flags & MADT_FLAG_ENABLED;
	}
	if (e->type == MADT_LOCAL_X2APIC && e->bytes >= sizeof(*x)) {
		*id = x->apic_id;
		return x->flags & MADT_FLAG_ENABLED;
	}
	return false;
}

unsigned
acpi_cpus(uint32_t *apic_ids, unsigned max)
{
	const struct table *madt = boot_info.rsdp.raw ? find_madt() : NULL;
	unsigned	    nr = 1;

	apic_ids[0] = apic_id();
	for (uint64_t at = MADT_HEADER; madt && at + 2 <= madt->bytes;) {
		const struct madt_entry *e = (const void *)((const char *)madt + at);
		uint32_t		 id;

		if (e->bytes < 2 || at + e->bytes > madt->bytes)
			break;
		if (entry_cpu(e, &id) && id != apic_ids[0] && id < 255 && nr < max)
			apic_ids[nr++] = id;
		at += e->bytes;
	}
	return nr;
}
